"""The sessions of all other processes that show theirs."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from typing import TYPE_CHECKING

from pydantic import ValidationError

from interject.integrations.console.feed import Feed
from interject.integrations.console.neighbour_messages import Bulletin, FollowThese, OperateThere
from interject.integrations.console.neighbour_session import ANSWER_S, NeighbourSession
from interject.integrations.console.session_messages import SessionChanged, SessionGone
from interject.integrations.console.session_source import KEPT_S, CommandRefused
from interject.integrations.console.session_view import SessionStage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from interject.integrations.console.neighbour_messages import AnswerFollows, MomentsFollow
    from interject.integrations.console.operator_commands import OperatorCommand
    from interject.integrations.console.outgoing_letters import OutgoingLetters
    from interject.integrations.console.session_view import SessionPulse, SessionView
    from interject.integrations.conversation.control_messages import Status

logger = logging.getLogger(__name__)

LOST_S = 10.0
"""So long a session is listed whose process has vanished."""
GONE = "the process that serves this session is gone"
AWAY = "another process serves this session, and Redis cannot be used just now"
SILENT = f"the process that serves this session has not answered for {ANSWER_S:g} s"
NOT_DONE, PERHAPS_DONE = "nothing was changed", "look whether it was done"


class NeighbourSessions:
    """A `SessionSource`. Where a process or the way to it vanishes its sessions are `lost`, and
    come back with it; whoever follows one is then told its last minutes again. What passes for a
    session of this process (`is_own`) is none of another's.
    """

    def __init__(
        self,
        token: str,
        outgoing: OutgoingLetters,
        *,
        is_own: Callable[[str], bool] = lambda session_id: False,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.feed = Feed()
        self._unreadable: set[str] = set()
        self._token = token
        self._outgoing = outgoing
        self._is_own = is_own
        self._wall_clock = wall_clock
        self._sessions: dict[str, NeighbourSession] = {}
        self._there: frozenset[str] = frozenset()
        self._pulses: dict[str, tuple[SessionPulse, ...]] = {}
        self._answers: dict[int, tuple[str, asyncio.Future[AnswerFollows]]] = {}
        self._numbers = itertools.count(1)
        self._away = False

    @property
    def states(self) -> tuple[SessionView, ...]:
        return tuple(session.state for session in self._sessions.values())

    @property
    def pulses(self) -> tuple[SessionPulse, ...]:
        return tuple(pulse for pulses in self._pulses.values() for pulse in pulses)

    def find(self, session_id: str) -> NeighbourSession | None:
        return self._sessions.get(session_id)

    def look(self) -> None:
        """What is over, or lost for good, is listed no more."""
        now = self._wall_clock()
        for session in tuple(self._sessions.values()):
            ended = session.state.ended
            kept_s = KEPT_S if session.is_followed or self.has(session.token) else LOST_S
            if ended is not None and not self._away and now - ended > kept_s:
                self._remove(session)

    # What the others say

    def read(self, bulletins: Mapping[str, bytes]) -> None:
        """All there are. Who has none has vanished."""
        self._away = False
        self._unreadable &= bulletins.keys()
        read = {token: self._read(token, text) for token, text in bulletins.items()}
        told = {token: bulletin for token, bulletin in read.items() if bulletin is not None}
        self._there = frozenset(told)
        self._pulses = {token: bulletin.pulses for token, bulletin in told.items()}
        for token, bulletin in told.items():
            for view in bulletin.sessions:
                self._see(token, view)
        listed = {view.id for bulletin in told.values() for view in bulletin.sessions}
        for session in tuple(self._sessions.values()):
            if not self.has(session.token):
                self._lose(session)
            elif session.state.id not in listed:
                self._remove(session)

    def told(self, head: MomentsFollow, body: bytes) -> None:
        session = self._sessions.get(head.session)
        if session is not None and session.is_followed:
            session.told(head.number, body.decode(errors="replace"))

    def answered(self, answer: AnswerFollows) -> None:
        _, waiting = self._answers.pop(answer.id, (None, None))
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    # What is said to them

    def has(self, token: str) -> bool:
        return token in self._there

    def say_followed(self, tokens: Iterable[str] | None = None) -> None:
        """Where nobody is named, all processes of which something is followed."""
        followed: dict[str, list[NeighbourSession]] = {}
        for session in self._sessions.values():
            if session.is_followed:
                followed.setdefault(session.token, []).append(session)
        for token in followed if tokens is None else tokens:
            sessions = followed.get(token, [])
            said = FollowThese(
                by=self._token,
                sessions=tuple(one.state.id for one in sessions),
                anew=tuple(one.state.id for one in sessions if one.waits),
            )
            self._outgoing.put(token, said)

    async def operate(
        self, session: NeighbourSession, command: OperatorCommand, by: str
    ) -> Status | None:
        if session.state.stage is SessionStage.LOST:
            raise CommandRefused(f"{AWAY if self._away else GONE}: {NOT_DONE}")
        number = next(self._numbers)
        waiting: asyncio.Future[AnswerFollows] = asyncio.get_running_loop().create_future()
        self._answers[number] = session.token, waiting
        asked = OperateThere(
            by=self._token, id=number, session=session.state.id, command=command, name=by
        )
        self._outgoing.put(session.token, asked)
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await waiting
        except TimeoutError:
            raise CommandRefused(f"{SILENT}: {PERHAPS_DONE}") from None
        finally:
            self._answers.pop(number, None)
        if answer.error is not None:
            raise CommandRefused(answer.error)
        self._become(session, session.state.model_copy(update={"status": answer.status}))
        return answer.status

    # Who cannot be reached

    def away(self) -> None:
        """Nobody, for the time being."""
        self._away, self._pulses = True, {}
        for session in self._sessions.values():
            self._lose(session)
        for token, _ in tuple(self._answers.values()):
            self._fail(token, AWAY)

    def vanished(self, tokens: Iterable[str]) -> None:
        """They take no letters. Whether they are there their bulletins say."""
        for token in tokens:
            self._fail(token, GONE)

    def _fail(self, token: str, reason: str) -> None:
        for asked, waiting in self._answers.values():
            if asked == token and not waiting.done():
                waiting.set_exception(CommandRefused(f"{reason}: {PERHAPS_DONE}"))

    def _see(self, token: str, view: SessionView) -> None:
        if self._is_own(view.id) or not view.id.isalnum():
            return
        session = self._sessions.get(view.id)
        if session is None:
            self._sessions[view.id] = NeighbourSession(view, token, self)
            self.feed.tell(SessionChanged(session=view))
        elif session.token == token:
            self._become(session, view)

    def _lose(self, session: NeighbourSession) -> None:
        if session.state.stage not in (SessionStage.OVER, SessionStage.LOST):
            ended = round(self._wall_clock(), 3)
            lost = {"stage": SessionStage.LOST, "ended": ended}
            self._become(session, session.state.model_copy(update=lost))

    def _become(self, session: NeighbourSession, view: SessionView) -> None:
        if view != session.state:
            session.state = view
            self.feed.tell(SessionChanged(session=view))

    def _remove(self, session: NeighbourSession) -> None:
        del self._sessions[session.state.id]
        self.feed.tell(SessionGone(session=session.state.id))

    def _read(self, token: str, text: bytes) -> Bulletin | None:
        """Of another version it may be none; that is told once."""
        try:
            return Bulletin.model_validate_json(text)
        except ValidationError:
            if token not in self._unreadable:
                logger.warning("Another process shows sessions that cannot be read here")
            self._unreadable.add(token)
            return None
