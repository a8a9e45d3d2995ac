"""Anybody who has a token of the operator's, and dials in by himself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.integrations.sockets.plain.codec import PlainCodec
from interject.integrations.sockets.plain.line import PlainLine
from interject.integrations.sockets.platform import CallTerms, SocketPlatform

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import HTTPConnection

    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import Message, StreamOpened
    from interject.integrations.web.bearer import Bearer
    from interject.integrations.web.screen_line import CallScreens

NOT_KNOWN = "it has no token of the operator"
LINGER_S = 15.0


class PlainPlatform(SocketPlatform):
    """`/sockets/plain`, with the token of every other request."""

    name = "plain"
    path = "/sockets/plain"
    linger_s = LINGER_S

    def __init__(self, bearer: Bearer, screens: CallScreens | None = None) -> None:
        self._bearer = bearer
        self._screens = screens

    def refusal(self, connection: HTTPConnection) -> str | None:
        known = self._bearer.permits(connection.headers.get("authorization", ""))
        return None if known else NOT_KNOWN

    def codec(self, connection: HTTPConnection) -> PlainCodec:
        return PlainCodec()

    def terms(
        self, opened: StreamOpened, codec: SocketCodec, write: Callable[[Message], None]
    ) -> CallTerms:
        assert isinstance(codec, PlainCodec), "it made it"
        hello = codec.hello
        line = PlainLine(
            opened.call_id, self._screens, write, reads=hello.reads, decisions=hello.decisions
        )
        return CallTerms(line)
