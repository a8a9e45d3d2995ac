"""The sessions of this process, whatever door they came through."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from interject.integrations.console.feed import Feed
from interject.integrations.console.live_session import LiveSession
from interject.integrations.console.operator_commands import MarkCard, operate
from interject.integrations.console.session_messages import (
    Pulse,
    SessionChanged,
    SessionGone,
)
from interject.integrations.console.session_view import SessionPulse, SessionStage, SessionView
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from interject.integrations.console.feed import FeedReader
    from interject.integrations.console.operator_commands import OperatorCommand
    from interject.integrations.conversation.call_follower import CallFacts
    from interject.integrations.conversation.control_messages import Status
    from interject.integrations.web.living_cards import CardMark

logger = logging.getLogger(__name__)

LOOK_S = 1.0
KEPT_S = 120.0
"""So long one that is over is listed, for its summary."""
UNKNOWN = "there is no such session, or no longer"
NO_CARD = "there is no such card, or it has expired"
HISTORY = '{"type":"history","session":"%s","moments":%s}'
NO_AGENT = "nobody listens in this session: it has not begun, or it is over"


class NoSuchSession(Exception):
    """Its text is for whoever asked."""


class CommandRefused(Exception):
    """Likewise."""


class MarkedScreens(Protocol):
    """Other screens that show the same cards."""

    def mark(self, cue_id: str, mark: CardMark, by: str = "") -> None: ...


class LiveSessions:
    """A `CallsFollower`. `feed` is told which sessions there are; each has a feed of its own."""

    def __init__(
        self,
        screens: MarkedScreens,
        *,
        server: str = "",
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.feed = Feed()
        self._screens = screens
        self._server = server
        self._wall_clock = wall_clock
        self._sessions: dict[str, LiveSession] = {}

    @contextmanager
    def follow(self, facts: CallFacts) -> Iterator[LiveSession]:
        session = LiveSession(facts, self._tell, server=self._server, wall_clock=self._wall_clock)
        self._sessions[session.id] = session
        self._tell(session.state)
        try:
            yield session
        finally:
            session.over()

    @property
    def states(self) -> tuple[SessionView, ...]:
        return tuple(session.state for session in self._sessions.values())

    def attach(self, session_id: str, reader: FeedReader) -> None:
        """It is sent the last minutes, and then what happens.

        :raises NoSuchSession: when there is none.
        """
        session = self.of(session_id)
        reader.put(HISTORY % (session.id, session.moments()))
        session.feed.add(reader)

    def detach(self, session_id: str, reader: FeedReader) -> None:
        if (session := self._sessions.get(session_id)) is not None:
            session.feed.discard(reader)

    async def operate(self, session_id: str, command: OperatorCommand, by: str) -> Status | None:
        """What holds then.

        :raises NoSuchSession: when there is none.
        :raises CommandRefused: when it cannot be done.
        """
        session = self.of(session_id)
        if isinstance(command, MarkCard):
            if not session.mark(command.card, command.mark, by):
                raise CommandRefused(NO_CARD)
            self._screens.mark(command.card, command.mark, by)
        elif session.agent is None:
            raise CommandRefused(NO_AGENT)
        else:
            try:
                await operate(session.agent, command)
            except RuntimeFailure as error:
                raise CommandRefused(str(error)) from None
        logger.info("An operator's command", extra={"call": session.call_id, "value": command.do})
        session.refresh()
        return session.state.status

    async def keep_looking(self) -> None:
        """Until cancelled: what calls do not tell by themselves, and that the server is there."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        now = self._wall_clock()
        for session in tuple(self._sessions.values()):
            session.refresh()
            ended = session.state.ended
            if ended is not None and now - ended > KEPT_S:
                del self._sessions[session.id]
                self.feed.tell(SessionGone(session=session.id))
        if self.feed.is_read:
            self.feed.tell(Pulse(time=now, sessions=self._pulses()))

    def forget(self, calls: Container[str]) -> int:
        """Those that are over: nobody is shown them any more."""
        gone = [one for one in self._sessions.values() if one.call_id in calls and one.is_over]
        for session in gone:
            del self._sessions[session.id]
            self.feed.tell(SessionGone(session=session.id))
        return len(gone)

    def of(self, session_id: str) -> LiveSession:
        """:raises NoSuchSession: when there is none."""
        if (session := self._sessions.get(session_id)) is None:
            raise NoSuchSession(UNKNOWN)
        return session

    def _pulses(self) -> tuple[SessionPulse, ...]:
        living = (one for one in self._sessions.values() if one.state.stage is SessionStage.LIVE)
        return tuple(session.pulse() for session in living)

    def _tell(self, state: SessionView) -> None:
        self.feed.tell(SessionChanged(session=state))
