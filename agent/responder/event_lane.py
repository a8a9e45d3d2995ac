"""Events on their way to the one who reads them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.protocol import Event

MOST_WAITING = 256


class EventLane:
    """`put` never waits, since the reader itself may cause an event. Whoever has many to bring
    waits for `room` between them.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._changed = asyncio.Event()
        self._read = asyncio.Event()
        self._closed = False

    def put(self, event: Event) -> None:
        self._events.append(event)
        self._changed.set()

    def close(self) -> None:
        self._closed = True
        self._changed.set()

    async def room(self) -> None:
        while len(self._events) >= MOST_WAITING and not self._closed:
            self._read.clear()
            await self._read.wait()

    async def read(self) -> AsyncIterator[Event]:
        while True:
            while self._events:
                yield self._events.popleft()
                self._read.set()
            if self._closed:
                return
            self._changed.clear()
            await self._changed.wait()
