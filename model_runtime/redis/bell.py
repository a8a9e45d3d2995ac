"""Which sessions have news, told over one short stream, so that nobody reads a thousand of them.

A bell is a hint and may be missed: who listens looks after all sessions in turn, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.redis.streams import read, read_entries
from interject.model_runtime.redis.timings import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.model_runtime.redis.client import Client
    from interject.model_runtime.redis.packing import Command

LONGEST = 1_000
_OLDEST = "0-0"


class Bell:
    """One end of a bell; `key` is its stream."""

    def __init__(self, key: str, *, wait_s: float) -> None:
        self._key = key
        self._wait_ms = max(1, milliseconds(wait_s))
        self._heard = _OLDEST

    def ring(self, keys: Iterable[str]) -> Command:
        """What rings for these sessions; to be sent behind what they are to find."""
        return "XADD", self._key, "MAXLEN", "~", LONGEST, "*", "k", " ".join(keys)

    async def listen(self, client: Client) -> set[str]:
        """Sessions with news; nobody when the wait was too long."""
        answer = await client.ask(read({self._key: self._heard}, block_ms=self._wait_ms))
        rung: set[str] = set()
        for _, entries in read_entries(answer):
            for entry, fields in entries:
                self._heard = entry
                rung.update(fields.get(b"k", b"").decode("ascii", "replace").split())
        return rung
