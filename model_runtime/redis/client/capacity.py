"""How full a shard is, for whoever looks for a place for a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from interject.model_runtime.redis.keys import Keys


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a shard's workers hold and could hold; `known` says that a session is there already."""

    known: bool
    taken: int
    slots: int

    @property
    def load(self) -> float:
        """Share of the slots that is taken."""
        return self.taken / self.slots if self.slots else 1.0


async def read_capacity(client: Redis, keys: Keys, tenant: str, name: str) -> Capacity:
    """Of the workers that serve a tenant, and whether the shard has a session."""
    pipeline = client.pipeline(transaction=False)
    pipeline.get(keys.room(tenant))
    pipeline.exists(keys.client(name))
    room, known = await pipeline.execute()
    taken, slots = map(int, (room or b"0 0").split())
    return Capacity(bool(known), taken, slots)
