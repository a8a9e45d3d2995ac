"""The sessions of this process, whatever door they came through."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from interject.integrations.console.feed import Feed
from interject.integrations.console.live_session import LiveSession
from interject.integrations.console.own_session import OwnSession
from interject.integrations.console.present_operators import PresentOperators
from interject.integrations.console.session_messages import SessionChanged, SessionGone
from interject.integrations.console.session_source import KEPT_S
from interject.integrations.console.session_view import SessionStage

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from interject.integrations.console.own_session import MarkedScreens
    from interject.integrations.console.session_view import SessionPulse, SessionView
    from interject.integrations.conversation.call_follower import CallFacts


class LiveSessions:
    """A `CallsFollower`, and a `SessionSource`. `server` is what others know this process by, and
    `operators` are those whom sessions may ask.
    """

    def __init__(
        self,
        screens: MarkedScreens | None = None,
        *,
        server: str = "",
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.feed = Feed()
        self.server = server
        self._screens = screens
        self._wall_clock = wall_clock
        self._sessions: dict[str, LiveSession] = {}
        self.operators = PresentOperators()

    @contextmanager
    def follow(self, facts: CallFacts) -> Iterator[LiveSession]:
        session = LiveSession(
            facts,
            self._tell,
            attended=self.operators.any,
            server=self.server,
            wall_clock=self._wall_clock,
        )
        self._sessions[session.id] = session
        self._tell(session.state)
        try:
            yield session
        finally:
            session.over()

    @property
    def states(self) -> tuple[SessionView, ...]:
        return tuple(session.state for session in self._sessions.values())

    @property
    def pulses(self) -> tuple[SessionPulse, ...]:
        living = (one for one in self._sessions.values() if one.state.stage is SessionStage.LIVE)
        return tuple(session.pulse() for session in living)

    def live(self, session_id: str) -> LiveSession | None:
        return self._sessions.get(session_id)

    def find(self, session_id: str) -> OwnSession | None:
        live = self.live(session_id)
        return None if live is None else OwnSession(live, self._screens)

    def look(self) -> None:
        """What calls do not tell by themselves."""
        now = self._wall_clock()
        for session in tuple(self._sessions.values()):
            session.refresh()
            ended = session.state.ended
            if ended is not None and now - ended > KEPT_S:
                self._remove(session)

    def forget(self, calls: Container[str]) -> int:
        """Those that are over: nobody is shown them any more."""
        gone = [one for one in self._sessions.values() if one.call_id in calls and one.is_over]
        for session in gone:
            self._remove(session)
        return len(gone)

    def _remove(self, session: LiveSession) -> None:
        del self._sessions[session.id]
        self.feed.tell(SessionGone(session=session.id))

    def _tell(self, state: SessionView) -> None:
        self.feed.tell(SessionChanged(session=state))
