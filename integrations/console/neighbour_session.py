"""A session that another process serves, as that one tells of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from interject.integrations.console.feed import Feed
from interject.integrations.console.moment_lane import MOST_WAITING
from interject.integrations.console.moments import are_moments_of
from interject.integrations.console.session_source import HISTORY, NoSuchSession
from interject.integrations.console.session_view import SessionStage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.integrations.console.feed import FeedReader
    from interject.integrations.console.operator_commands import OperatorCommand
    from interject.integrations.console.session_view import SessionView
    from interject.integrations.conversation.control_messages import Status

ANSWER_S = 5.0
NO_HISTORY = "the process that serves this session does not tell of it"
ENDED = "this session is over, and the process that served it has ended"


class NeighbourDesk(Protocol):
    """The way to whoever serves a session."""

    def has(self, token: str) -> bool:
        """Whether that process is there."""

    def say_followed(self, tokens: Iterable[str]) -> None:
        """Tell these processes which of their sessions are followed now."""

    async def operate(
        self, session: NeighbourSession, command: OperatorCommand, by: str
    ) -> Status | None: ...


class NeighbourSession:
    """A `WatchedSession`. `token` is whose it is."""

    def __init__(self, state: SessionView, token: str, desk: NeighbourDesk) -> None:
        self.state = state
        self.token = token
        self._desk = desk
        self._feed = Feed()
        self._asked: set[asyncio.Future[str]] = set()
        self._next = 0

    @property
    def is_followed(self) -> bool:
        return self._feed.is_read or bool(self._asked)

    @property
    def waits(self) -> bool:
        """For the last minutes: until they come nothing else is passed on."""
        return self._next == 0

    def attach(self, reader: FeedReader) -> None:
        """:raises NoSuchSession: when nobody will tell of it any more."""
        if self.state.stage is SessionStage.OVER and not self._desk.has(self.token):
            raise NoSuchSession(ENDED)
        self._feed.add(reader)
        self._begin_anew()

    def detach(self, reader: FeedReader) -> None:
        self._feed.discard(reader)
        if not self.is_followed:
            self._desk.say_followed((self.token,))

    async def moments(self) -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked.add(answer)
        try:
            self._begin_anew()
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError:
            raise NoSuchSession(NO_HISTORY) from None
        finally:
            self._asked.discard(answer)

    async def operate(self, command: OperatorCommand, by: str) -> Status | None:
        return await self._desk.operate(self, command, by)

    def told(self, number: int, body: str) -> None:
        """What came, or that something is missing: then the last minutes are asked for. What is no
        moment of this session reaches no page.
        """
        lines = [body] if number == 0 else body.split("\n")
        if len(lines) > MOST_WAITING or not are_moments_of(self.state.id, lines):
            return
        if number == 0:
            for answer in self._asked:
                if not answer.done():
                    answer.set_result(body)
            self._feed.tell_text(HISTORY % (self.state.id, body))
        elif number == self._next:
            for text in lines:
                self._feed.tell_text(text)
        else:
            if not self.waits:
                self._begin_anew()
            return
        self._next = number + 1

    def _begin_anew(self) -> None:
        self._next = 0
        self._desk.say_followed((self.token,))
