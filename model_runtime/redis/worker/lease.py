"""A worker's claim to its name, to its slots and to the sessions in them."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis import notifier, scripts
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.timings import Timings, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis.asyncio import Redis

    from interject.model_runtime.redis.keys import Keys


@dataclass(frozen=True, slots=True)
class Renewal:
    """`lapsed`: others may have taken sessions meanwhile. `lonely`: sessions without a client, of
    those that were visited. `tenants` are served.
    """

    lapsed: bool
    lonely: tuple[str, ...]
    tenants: tuple[str, ...]


class Lease:
    """`name` is stable; each run of a worker has a `token` of its own.

    While `draining`, the worker offers no slots and takes nothing over. `tenants` are those that
    any worker of the shard was told of.
    """

    def __init__(
        self, keys: Keys, *, name: str, slots: int, tenants: tuple[str, ...], timings: Timings
    ) -> None:
        self.token = f"{name}:{secrets.token_hex(4)}"
        self.tenants = tenants
        self.draining = False
        self._doubtful = False
        self._keys = keys
        self.name = name
        self._slots = slots
        self._timings = timings

    async def register(self, client: Redis) -> None:
        """The lease of a run that was killed may still last: outwait it, once.

        :raises RuntimeFailure: when another worker has the name.
        """
        deadline = perf_counter() + 2 * self._timings.worker_lease_s
        while await self._beat(client) is None:
            if perf_counter() > deadline:
                raise RuntimeFailure(
                    f"a worker named {self.name} is running already; give this one another --name"
                )
            await asyncio.sleep(self._timings.beat_s)

    async def renew(self, client: Redis, visited: Iterable[str] = ()) -> Renewal:
        """Keep what is ours, take over what dead workers had, and see whose client has gone.

        A beat whose answer was lost may have been the one that found the lease lapsed.

        :raises RuntimeFailure: when another worker has the name.
        """
        doubtful, self._doubtful = self._doubtful, True
        renewal = await self._beat(client, visited)
        self._doubtful = False
        if renewal is None:
            raise RuntimeFailure(f"another worker named {self.name} has taken over; stopped")
        self.tenants = renewal.tenants
        return replace(renewal, lapsed=renewal.lapsed or doubtful)

    async def leave(self, client: Redis) -> None:
        """Give the name up; what this worker still has is anyone's."""
        await client.delete(self._keys.worker(self.token), self._keys.name(self.name))

    async def _beat(self, client: Redis, visited: Iterable[str] = ()) -> Renewal | None:
        verdict, fresh, lonely, tenants = await scripts.run(
            client, Script.BEAT, [self._keys.fleet],
            self._keys.prefix, self.token, self.name, 0 if self.draining else self._slots,
            milliseconds(self._timings.worker_lease_s), milliseconds(self._timings.grace_s),
            0 if self.draining else 1, notifier.LONGEST, " ".join(self.tenants), *visited,
        )  # fmt: skip
        if verdict != b"ok":
            return None
        return Renewal(bool(fresh), _names(lonely), tuple(sorted(_names(tenants))))


def _names(words: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(word.decode() for word in words)
