"""Uvicorn's protocols, whose callers have only so long for their part."""

from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from interject.integrations.web.connections import Closing

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.web.connections import Connections


@dataclass(frozen=True, slots=True)
class CallerPatience:
    """Seconds for a request's head, for its body, for the end of a connection that was closed, and
    for reading on. A telephone that slept comes back by itself.
    """

    head_s: float = 10.0
    body_s: float = 20.0
    close_s: float = 10.0
    unread_s: float = 60.0


class Phase(Enum):
    """Whose turn it is on a connection. For how long it is idle uvicorn looks itself."""

    HEAD = "head"
    BODY = "body"
    ANSWER = "answer"
    UNREAD = "unread"
    IDLE = "idle"
    CLOSE = "close"


class LimitedHttp(H11Protocol):
    """Whoever sends nothing, or byte after byte, is not waited for: not with his request, not with
    its body (also one that nobody reads any more), and not in reading our answer.
    """

    def __init__(
        self, *args: Any, connections: Connections, patience: CallerPatience, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._connections = connections
        self._unread_s = patience.unread_s
        self._within_s = {
            Phase.HEAD: patience.head_s,
            Phase.BODY: patience.body_s,
            Phase.CLOSE: patience.close_s,
        }
        self._phase: Phase | None = None
        self._deadline = _Deadline(lambda: connections.close(self.transport, Closing.SLOW))
        self._unread = _Deadline(lambda: connections.close(self.transport, Closing.UNREAD))

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _expect_signs_of_life(transport, self._unread_s)
        self._connections.opened(transport, self.client[0] if self.client else "")
        self._enter(Phase.HEAD)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look(Phase.HEAD)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look(Phase.IDLE)

    def shutdown(self) -> None:
        """Who has not sent all of his request by now is not waited for."""
        if self._phase is Phase.BODY:
            self.transport.abort()
            return
        super().shutdown()
        self._look(Phase.IDLE)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.set(self._unread_s)
        self._turn(Phase.ANSWER, Phase.UNREAD)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread.set(None)
        self._turn(Phase.UNREAD, Phase.ANSWER)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._deadline.set(None)
        self._unread.set(None)
        self._connections.lost(self.transport)

    def _look(self, between_requests: Phase) -> None:
        if self.transport.get_protocol() is not self:
            self._deadline.set(None)  # It is a web socket's now.
        elif self.transport.is_closing():
            self._enter(Phase.CLOSE)
        elif self.conn.their_state is h11.SEND_BODY:
            self._enter(Phase.BODY)
        elif self.cycle is not None and not self.cycle.response_complete:
            self._enter(Phase.UNREAD if self.flow.write_paused else Phase.ANSWER)
        else:
            self._enter(between_requests)

    def _turn(self, before: Phase, after: Phase) -> None:
        if self._phase is before:
            self._enter(after)

    def _enter(self, phase: Phase) -> None:
        if phase is self._phase:
            return
        self._phase = phase
        self._deadline.set(self._within_s.get(phase))
        if phase is Phase.ANSWER:
            self._connections.answers(self.transport)
        else:
            self._connections.waits(self.transport)


class LimitedSocket(WebSocketsSansIOProtocol):
    """A connection that has become a web socket. How long it may be silent its door knows."""

    def __init__(
        self, *args: Any, connections: Connections, patience: CallerPatience, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._connections = connections
        self._unread_s = patience.unread_s
        self.close_timeout = patience.close_s
        self._unread = _Deadline(lambda: connections.close(self.transport, Closing.UNREAD))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.answers(self.transport)

    async def send(self, message: Any) -> None:
        """One that was closed from here waits for its caller, who may never say that he knows."""
        await super().send(message)
        if self.close_sent:
            self.handshake_complete = (
                True  # Uvicorn takes an HTTP answer for none, and for a fault.
            )
            self._connections.waits(self.transport)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.set(self._unread_s)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread.set(None)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unread.set(None)
        self._connections.lost(self.transport)


def _expect_signs_of_life(transport: asyncio.Transport, within_s: float) -> None:
    """Whoever is gone without a word, as a telephone without a network, confirms nothing that is
    sent; Linux would try for a quarter of an hour.
    """
    connection = transport.get_extra_info("socket")
    if connection.family != socket.AF_UNIX and sys.platform == "linux":
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(within_s * 1_000))


class _Deadline:
    def __init__(self, passed: Callable[[], None]) -> None:
        self._passed = passed
        self._timer: asyncio.TimerHandle | None = None

    def set(self, within_s: float | None) -> None:
        """None: there is none."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if within_s is not None:
            self._timer = asyncio.get_running_loop().call_later(within_s, self._passed)
