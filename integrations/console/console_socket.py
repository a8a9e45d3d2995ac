"""One page at the other end of a web socket, from its signing in until it leaves."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from pydantic import ValidationError

from interject import __version__
from interject.agent.first_of import first_of
from interject.config.problems import place_and_words
from interject.integrations.console.access import ONLY_LOOKS, ConsoleRole
from interject.integrations.console.feed import QueuedReader
from interject.integrations.console.session_messages import (
    PAGE_MESSAGE,
    CommandAnswer,
    Complaint,
    FollowSession,
    NumberedOrder,
    OperateSession,
    Sessions,
    SignIn,
    Welcome,
)
from interject.integrations.console.session_source import CommandRefused, NoSuchSession
from interject.integrations.web.audio_socket import TRY_AGAIN, StreamRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from interject.integrations.console.access import ConsoleAccess
    from interject.integrations.console.session_source import WatchedSession
    from interject.integrations.console.shown_sessions import ShownSessions
    from interject.integrations.web.audio_socket import AudioSocket

SIGN_IN_S = 5.0
MOST_FOLLOWED = 8
NOT_SIGNED_IN = 4401
WRONG_TOKEN = "this token is not the server's"
SIGN_IN_FIRST = "sign in first: with a message of type sign_in, within 5 s"
TOO_SLOW = "it was read too slowly; come back"
TOO_MANY_FOLLOWED = f"{MOST_FOLLOWED} sessions at once; leave one"
BAD_MESSAGE = "it is no message of this socket"


class ConsoleSocket:
    """`run` ends when the page leaves.

    `header` is the page's own `Authorization`, which programs can send and browsers cannot.
    """

    def __init__(
        self,
        socket: AudioSocket,
        sessions: ShownSessions,
        access: ConsoleAccess,
        *,
        header: str,
        talk: bool,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._socket = socket
        self._sessions = sessions
        self._access = access
        self._header = header
        self._talk = talk
        self._wall_clock = wall_clock
        self._reader = QueuedReader()
        self._followed: dict[str, WatchedSession] = {}
        self._name = ""
        self._role = ConsoleRole.VIEWER

    async def sign_in(self) -> None:
        """:raises StreamRefused: when it cannot say who it is, or is nobody.
        :raises SocketLeft, SlowReader: when it is gone.
        """
        try:
            async with asyncio.timeout(SIGN_IN_S):
                text = await self._socket.receive()
            first = SignIn.model_validate_json(text)
        except (TimeoutError, ValidationError):
            raise StreamRefused(NOT_SIGNED_IN, SIGN_IN_FIRST) from None
        role = self._access.role(f"Bearer {first.token}" if first.token else self._header)
        if role is None:
            raise StreamRefused(NOT_SIGNED_IN, WRONG_TOKEN)
        self._role, self._name = role, first.name.strip()

    async def run(self) -> None:
        """:raises StreamRefused: when it is too slow, or says too much.
        :raises SocketLeft, SlowReader: when it is gone.
        """
        self._put(
            Welcome(
                role=self._role,
                time=round(self._wall_clock(), 3),
                version=__version__,
                talk=self._talk and self._role is ConsoleRole.OPERATOR,
            )
        )
        self._put(Sessions(sessions=self._sessions.states))
        self._sessions.add(self._reader)
        operates = self._role is ConsoleRole.OPERATOR
        try:
            with self._sessions.operators.looking() if operates else nullcontext():
                await first_of(self._listen(), self._send(), self._reader.overrun.wait())
        finally:
            self._sessions.discard(self._reader)
            for session in self._followed.values():
                session.detach(self._reader)
        raise StreamRefused(TRY_AGAIN, TOO_SLOW)

    async def _send(self) -> None:
        while True:
            await self._socket.send(await self._reader.next())

    async def _listen(self) -> None:
        while True:
            text = await self._socket.receive()
            try:
                await self._take(text)
            except ValidationError as error:
                self._put(_refusal(text, _what_is_wrong(error)))

    async def _take(self, text: str | bytes) -> None:
        """:raises ValidationError: when it is no message."""
        message = PAGE_MESSAGE.validate_json(text)
        if isinstance(message, OperateSession):
            self._put(await self._operated(message))
        elif isinstance(message, FollowSession):
            self._follow(message.session)
        elif (session := self._followed.pop(message.session, None)) is not None:
            session.detach(self._reader)

    async def _operated(self, asked: OperateSession) -> CommandAnswer:
        if self._role is not ConsoleRole.OPERATOR:
            return CommandAnswer(id=asked.id, error=ONLY_LOOKS)
        try:
            session = self._sessions.of(asked.session)
            status = await session.operate(asked.command, self._name)
        except (NoSuchSession, CommandRefused) as refused:
            return CommandAnswer(id=asked.id, error=str(refused))
        return CommandAnswer(id=asked.id, status=status)

    def _follow(self, session_id: str) -> None:
        if session_id in self._followed:
            return
        if len(self._followed) >= MOST_FOLLOWED:
            self._put(Complaint(reason=TOO_MANY_FOLLOWED))
            return
        try:
            session = self._sessions.of(session_id)
            session.attach(self._reader)
        except NoSuchSession as refused:
            self._put(Complaint(reason=str(refused)))
        else:
            self._followed[session_id] = session

    def _put(self, message: BaseModel) -> None:
        self._reader.put(message.model_dump_json())


def _refusal(text: str | bytes, reason: str) -> CommandAnswer | Complaint:
    """Whoever numbered an order waits for its answer."""
    try:
        return CommandAnswer(id=NumberedOrder.model_validate_json(text).id, error=reason)
    except ValidationError:
        return Complaint(reason=reason)


def _what_is_wrong(error: ValidationError) -> str:
    """Which field, and nothing of what was sent."""
    problem = error.errors(include_url=False, include_input=False)[0]
    where, said = place_and_words(problem)
    return f"{where}: {said}" if where else BAD_MESSAGE
