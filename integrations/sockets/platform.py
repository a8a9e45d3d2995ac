"""One kind of platform that dials in: how it is let in, what it says, and what its calls are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from fastapi import APIRouter

from interject.integrations.web.audio_socket import SocketLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import HTTPConnection

    from interject.config import Profile
    from interject.integrations.conversation.line import Line
    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import Message, SocketEvent, StreamOpened


@dataclass(frozen=True, slots=True)
class CallTerms:
    """What an agent needs to know of a call: where writing goes, and whatever is not as the role of
    the server has it. `speaks`: its voice may be heard, where the platform takes sound at all.
    """

    line: Line
    profile: Profile | None = None
    cue_to: tuple[str, ...] | None = None
    speaks: bool = True


class CallEvents(Protocol):
    """Running calls, for what is learnt of them beside their sockets."""

    def take(self, call_id: str, event: SocketEvent) -> bool:
        """False: there is no such call."""
        ...


class SocketPlatform(Protocol):
    """Used with `async with` for as long as the door is open.

    `opening_s`: so long a socket may take to say which call it is of. `linger_s`: so long a call
    waits for another socket when its own was cut. `silence_s`: a socket that sends nothing for so
    long is closed. `farewell_s`: so long it is still read once `closing` was sent, where the
    platform is to answer that. `tells_strangers`: one that is not let in, or finds no room, is told
    so in the platform's own words, which needs an open socket.
    """

    name: str
    path: str
    limits: SocketLimits = SocketLimits()
    opening_s: float = 5.0
    linger_s: float = 0.0
    silence_s: float = 600.0
    farewell_s: float = 0.0
    tells_strangers: bool = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        return

    def routes(self, calls: CallEvents) -> APIRouter:
        """Its requests beside the socket, as webhooks, none by default."""
        return APIRouter()

    def refusal(self, connection: HTTPConnection) -> str | None:
        """Why this socket is not let in, for the log; asked before it may say anything."""
        ...

    def codec(self, connection: HTTPConnection) -> SocketCodec:
        """A new one."""
        ...

    def terms(
        self, opened: StreamOpened, codec: SocketCodec, write: Callable[[Message], None]
    ) -> CallTerms:
        """Of a call that begins with `codec`, which is one of its own. `write` sends something to
        whatever socket the call has then, and waits for nothing.
        """
        ...
