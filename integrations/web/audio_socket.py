"""A web socket that carries a call's sound, within limits, for as long as it is open."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from starlette.websockets import WebSocketDisconnect

from interject.integrations.web.token_bucket import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

logger = logging.getLogger(__name__)

NORMAL, GOING_AWAY, UNSUPPORTED, NOT_UNDERSTOOD, POLICY_VIOLATION, FAULT, TRY_AGAIN = (
    1000, 1001, 1003, 1007, 1008, 1011, 1013,
)  # fmt: skip
MESSAGES_IN_A_ROW = 50
"""A socket that has many at hand never lets go of the event loop by itself."""
CLOSE_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What one socket may send, and how long it may take nothing. The usual ones are for two tracks
    in messages of 20 ms, that is 100 a second; what a network held back for 40 s comes at once.
    """

    messages_a_s: float = 400
    most_at_once: int = 4_000
    bad_a_s: float = 1
    most_bad_at_once: int = 50
    send_s: float = 5.0


class StreamRefused(Exception):
    """The socket is closed with this code, and a reason of at most 123 bytes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SocketLeft(Exception):
    """The other side has closed the socket, or it broke."""


class SlowReader(Exception):
    """The other side takes nothing any more."""


class AcceptedSocket(Protocol):
    """Of a `WebSocket` that was accepted."""

    async def receive(self) -> MutableMapping[str, Any]: ...

    async def send_text(self, data: str) -> None: ...

    async def send_bytes(self, data: bytes) -> None: ...

    async def close(self, code: int = ..., reason: str | None = ...) -> None: ...


class AudioSocket:
    """What cannot be read is counted by whoever reads it. `close_code` is what the other side
    closed with, if it did: of a connection that broke uvicorn gives a code, but no reason.
    """

    def __init__(
        self,
        socket: AcceptedSocket,
        limits: SocketLimits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._socket = socket
        self._limits = limits = limits or SocketLimits()
        self._all = TokenBucket(per_s=limits.messages_a_s, burst=limits.most_at_once, clock=clock)
        self._bad = TokenBucket(per_s=limits.bad_a_s, burst=limits.most_bad_at_once, clock=clock)
        self._messages = 0
        self._sending = asyncio.Lock()
        self.bad_messages = 0
        self.close_code: int | None = None

    async def receive(self) -> str | bytes:
        """:raises SocketLeft: at the end of the socket.

        :raises StreamRefused: when it says too much.
        """
        event = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            self.close_code = event.get("code") if "reason" in event else None
            raise SocketLeft
        self._messages += 1
        if self._messages % MESSAGES_IN_A_ROW == 0:
            await asyncio.sleep(0)
        if not self._all.take():
            raise StreamRefused(POLICY_VIOLATION, "too many messages a second")
        text = event.get("text")
        return event.get("bytes") or b"" if text is None else str(text)

    def count_bad(self, reason: str) -> None:
        """:raises StreamRefused: when it was one too many."""
        self.bad_messages += 1
        if self.bad_messages == 1:
            logger.warning("A message of a media stream was left out", extra={"reason": reason})
        if not self._bad.take():
            raise StreamRefused(NOT_UNDERSTOOD, "too many messages could not be read")

    async def send(self, message: str | bytes) -> None:
        """In the order in which it was asked for, also while others wait.

        :raises SlowReader: when it is not taken in time.

        :raises SocketLeft: when nobody is there any more.
        """
        try:
            async with asyncio.timeout(self._limits.send_s), self._sending:
                if isinstance(message, str):
                    await self._socket.send_text(message)
                else:
                    await self._socket.send_bytes(message)
        except TimeoutError:
            raise SlowReader from None
        except (WebSocketDisconnect, RuntimeError):
            raise SocketLeft from None

    async def close(self, code: int, reason: str) -> None:
        """A socket that is closed already, or that nobody reads, is let go."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._socket.close(code, reason)
