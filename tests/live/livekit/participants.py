"""People in a real room: they come, speak tones, and remember what they noticed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.integrations.livekit.jobs.visitor import Visitor, VisitorEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from numpy.typing import NDArray

    from tests.live.livekit.server import LiveKitServer


class Person:
    """A visitor with a memory."""

    def __init__(self) -> None:
        self.events: list[VisitorEvent] = []
        self.heard: list[NDArray[np.int16]] = []
        self.visitor: Visitor

    def note(self, event: VisitorEvent) -> None:
        self.events.append(event)

    def keep(self, _played: NDArray[np.int16], heard: NDArray[np.int16]) -> None:
        self.heard.append(heard)

    def found(self, event: str, **fields: Any) -> list[VisitorEvent]:
        """Events of a name whose fields have these values."""
        return [
            one
            for one in self.events
            if one.event == event and all(one.fields.get(k) == v for k, v in fields.items())
        ]


@contextlib.asynccontextmanager
async def person(server: LiveKitServer, room: str, identity: str) -> AsyncIterator[Person]:
    """Somebody who is in the room for the time of the block."""
    someone = Person()
    async with Visitor(
        url=server.url,
        token=server.token(identity, room),
        on_event=someone.note,
        on_heard=someone.keep,
    ) as visitor:
        someone.visitor = visitor
        yield someone


def tone(hz: float, seconds: float, *, level: int = 6_000) -> NDArray[np.int16]:
    samples = np.arange(round(seconds * 16_000))
    return np.asarray(level * np.sin(2 * np.pi * hz * samples / 16_000), np.int16)
