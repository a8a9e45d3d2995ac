"""Short streams of news, so that nobody reads a thousand long ones.

A notice is a hint and may be missed: who follows them looks after all sessions in turn, too.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any

from interject.model_runtime.redis.streams import read, read_entries
from interject.model_runtime.redis.timings import milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interject.model_runtime.redis.connection import Command, RedisClient
    from interject.model_runtime.redis.sieve import Sieve
    from interject.model_runtime.remote import wire

LONGEST = 1_000
"""Entries of a stream of notices, about."""
ENTRIES_A_READ = 256
MAX_NAMES_BYTES = 65_536
WARY_WAIT_S = 0.01
"""A script cannot wait until there is something to read."""
SILENT_S = 1.0
"""After that a stream may have begun again, in a Redis whose clock is behind: with lower ids."""
_OLDEST = "0-0"
_LAST_ID = f"{2**64 - 1}-{2**64 - 1}"
"""Nothing comes behind it; workers delete such a stream."""


def notify(stream: str, names: Iterable[str]) -> Command:
    """Tell about these sessions; to be sent behind what is to be found there."""
    return "XADD", stream, "MAXLEN", "~", LONGEST, "*", "k", " ".join(names)


def names_in(fields: wire.Fields) -> list[str]:
    """The sessions that a notice is about."""
    said = fields.get(b"k", b"")
    return said.decode("ascii", "replace").split() if len(said) <= MAX_NAMES_BYTES else []


class NoticeReader:
    """Reads each stream from where it stopped last time, a silent one from its beginning if that is
    `trusted`: where tenants write, much could stand there.
    """

    def __init__(
        self,
        *,
        wait_s: float,
        sieve: Sieve | None = None,
        trusted: bool = False,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._wait_ms = max(1, milliseconds(wait_s))
        self._sieve = sieve
        self._trusted = trusted
        self._clock = clock
        self._read_to: dict[str, str] = {}
        self._heard_at: dict[str, float] = {}

    async def follow(
        self, client: RedisClient, streams: Iterable[str]
    ) -> list[tuple[str, wire.Fields]]:
        """New entries, each with whose stream it was; none if the wait was too long."""
        places = {stream: self._place(stream) for stream in streams}
        if not places:
            await asyncio.sleep(self._wait_ms / 1000)
            return []
        found: list[tuple[str, wire.Fields]] = []
        answer, pages = await self._pages(client, places)
        for (key, _), (owner, entries) in zip(answer or (), pages, strict=True):
            places[key.decode()] = entries[-1][0]
            self._heard_at[key.decode()] = self._clock()
            found += ((owner, fields) for _, fields in entries)
        self._read_to = places
        return found

    def _place(self, stream: str) -> str:
        now, read_to = self._clock(), self._read_to.get(stream, _OLDEST)
        silent = now - self._heard_at.setdefault(stream, now) > SILENT_S
        if not silent or not (self._trusted or read_to == _LAST_ID):
            return read_to
        self._heard_at[stream] = now
        return _OLDEST

    async def _pages(
        self, client: RedisClient, places: dict[str, str]
    ) -> tuple[Any, Iterable[Any]]:
        if self._sieve is None or not self._sieve.wary:
            answer = await client.ask(read(places, count=ENTRIES_A_READ, block_ms=self._wait_ms))
            return answer, read_entries(answer)
        answer = await client.ask(self._sieve.question(places, count=ENTRIES_A_READ))
        if not answer:
            await asyncio.sleep(min(WARY_WAIT_S, self._wait_ms / 1000))
        return answer, self._sieve.entries(answer)
