"""Which sessions have news, told over one short stream, so that nobody reads a thousand of them.

A bell is a hint and may be missed: who listens looks after all sessions in turn, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interject.model_runtime.redis.timings import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis.asyncio import Redis

LONGEST = 1_000
_OLDEST = "0-0"


class Bell:
    """One end of a bell; `key` is its stream."""

    def __init__(self, key: str, *, wait_s: float) -> None:
        self._key = key
        self._wait_ms = max(1, milliseconds(wait_s))
        self._heard = _OLDEST

    def ring(self, pipeline: Any, keys: Iterable[str]) -> None:
        """Put a ring for these sessions into a pipeline, behind what they are to find."""
        pipeline.xadd(self._key, {b"k": " ".join(keys)}, maxlen=LONGEST)

    async def listen(self, client: Redis) -> set[str]:
        """Sessions with news; nobody when the wait was too long."""
        answer: Any = await client.xread({self._key: self._heard}, block=self._wait_ms)
        rung: set[str] = set()
        for _, entries in answer or ():
            for entry, fields in entries:
                self._heard = entry
                rung.update(fields.get(b"k", b"").decode("ascii", "replace").split())
        return rung
