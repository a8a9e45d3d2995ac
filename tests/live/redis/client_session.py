"""The client of one session, and what an engine says that nobody disturbs."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.protocol import (
    CloseReason,
    Decision,
    Event,
    Frame,
    Gap,
    SessionOptions,
)
from tests.model_runtime.engine.engine_room import outline
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from interject.model_runtime.redis.client.session import RedisSession

SILENCE_S = 120.0
AT_ONCE = 50
"""A drained queue gives the same decisions as one by one, and sooner."""


def options(name: str) -> SessionOptions:
    """A session that fills its slot soon and answers now and then."""
    ids = tuple(range(20))
    return SessionOptions(name, prompt_ids=ids, threshold=0.6, max_reply_tokens=9)


def undisturbed(name: str, sound: list[Frame]) -> list[tuple[object, ...]]:
    """The outline of what one engine says about a sound."""
    engine = Engine(small_model(256), slots=1, eviction=Eviction.EXACT)
    events: list[Event] = []
    engine.open(options(name), events.append)
    for first in range(0, len(sound), AT_ONCE):
        for frame in sound[first : first + AT_ONCE]:
            engine.push(name, frame)
        while engine.step():
            pass
    engine.close(name, CloseReason.CLIENT)
    return outline(events)


class ClientSession:
    """Pushes the sound bit by bit and collects the events, with the time of each."""

    def __init__(self, session: RedisSession, sound: list[Frame]) -> None:
        self.session = session
        self.sound = sound
        self.events: list[Event] = []
        self.longest_wait_s = 0.0
        self.settled_seq = -1
        self.pushed_seq = -1
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def push(self, first: int, last: int) -> None:
        """In step with the decisions, as a room would."""
        for frame in self.sound[first:last]:
            await self.push_blindly(frame)
            began = time.monotonic()
            await self.settled(frame.seq)
            self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - began)

    async def push_blindly(self, frame: Frame) -> None:
        """Without waiting for what becomes of it."""
        await self.session.push(frame)
        self.pushed_seq = frame.seq

    async def settled(self, seq: int) -> None:
        """Until a frame was decided or reported lost."""
        async with asyncio.timeout(SILENCE_S), self._news:
            await self._news.wait_for(lambda: self.settled_seq >= seq or self._reading.done())

    async def finish(self) -> list[Event]:
        """All events; the last one is `Closed`."""
        if not self._reading.done():
            await self.session.finish()
        async with asyncio.timeout(SILENCE_S):
            await self._reading
        return self.events

    async def _read(self) -> None:
        async for event in self.session.events():
            self.events.append(event)
            if isinstance(event, Decision):
                self.settled_seq = max(self.settled_seq, event.seq)
            elif isinstance(event, Gap):
                self.settled_seq = max(self.settled_seq, event.first_seq + event.count - 1)
            async with self._news:
                self._news.notify_all()
