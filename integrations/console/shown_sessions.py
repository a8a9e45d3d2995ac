"""All sessions that a console shows, wherever they are served."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from interject.integrations.console.feed import Feed
from interject.integrations.console.session_messages import Pulse
from interject.integrations.console.session_source import NoSuchSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.console.feed import FeedReader
    from interject.integrations.console.live_sessions import LiveSessions
    from interject.integrations.console.session_source import SessionSource, WatchedSession
    from interject.integrations.console.session_view import SessionView

LOOK_S = 1.0
UNKNOWN = "there is no such session, or no longer"


class ShownSessions:
    """This process' `own`, and those of others."""

    def __init__(
        self,
        own: LiveSessions,
        *others: SessionSource,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.operators = own.operators
        self._sources: tuple[SessionSource, ...] = (own, *others)
        self._pulse = Feed()
        self._wall_clock = wall_clock

    @property
    def states(self) -> tuple[SessionView, ...]:
        return tuple(state for source in self._sources for state in source.states)

    def of(self, session_id: str) -> WatchedSession:
        """:raises NoSuchSession: when there is none."""
        for source in self._sources:
            if (session := source.find(session_id)) is not None:
                return session
        raise NoSuchSession(UNKNOWN)

    def add(self, reader: FeedReader) -> None:
        """It is told which sessions there are, and every second how they do."""
        for feed in self._feeds:
            feed.add(reader)

    def discard(self, reader: FeedReader) -> None:
        for feed in self._feeds:
            feed.discard(reader)

    async def keep_looking(self) -> None:
        """Until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        for source in self._sources:
            source.look()
        if self._pulse.is_read:
            pulses = tuple(pulse for source in self._sources for pulse in source.pulses)
            self._pulse.tell(Pulse(time=self._wall_clock(), sessions=pulses))

    @property
    def _feeds(self) -> tuple[Feed, ...]:
        return (self._pulse, *(source.feed for source in self._sources))
