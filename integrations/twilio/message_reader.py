"""What comes in by one media socket, message by message, within limits."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Protocol

from interject.integrations.twilio.messages import (
    ConnectedMessage,
    MalformedMessage,
    StartMessage,
    read_message,
)
from interject.integrations.web.token_bucket import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from interject.integrations.twilio.messages import Message

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 5.0
MESSAGES_A_S, MOST_AT_ONCE = 400, 4_000
"""Two tracks are 100 a second. What a network held back for 40 s comes at once."""
BAD_A_S, MOST_BAD_AT_ONCE = 1, 50

NORMAL, UNSUPPORTED, NOT_UNDERSTOOD, POLICY_VIOLATION, FAULT, TRY_AGAIN = (
    1000, 1003, 1007, 1008, 1011, 1013,
)  # fmt: skip
MESSAGES_IN_A_ROW = 50
"""A socket that has many at hand never lets go of the event loop by itself."""


class StreamRefused(Exception):
    """The socket is closed with this code, and a reason of at most 123 bytes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class MessageSource(Protocol):
    """Of a `WebSocket` that was accepted."""

    async def receive(self) -> MutableMapping[str, Any]: ...


class SocketLeft(Exception):
    """The other side has closed the socket, or it broke."""


class MessageReader:
    """Messages that cannot be read are counted and left out; too many of them end the stream."""

    def __init__(
        self, socket: MessageSource, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._socket = socket
        self._all = TokenBucket(per_s=MESSAGES_A_S, burst=MOST_AT_ONCE, clock=clock)
        self._bad = TokenBucket(per_s=BAD_A_S, burst=MOST_BAD_AT_ONCE, clock=clock)
        self._messages = 0
        self.bad_messages = 0
        self.unknown_events = 0

    async def start(self, *, within_s: float = START_TIMEOUT_S) -> StartMessage:
        """:raises StreamRefused: when it does not begin with `start`, or not in time."""
        try:
            async with asyncio.timeout(within_s):
                while isinstance(message := await self.next(), ConnectedMessage):
                    pass
        except TimeoutError:
            raise StreamRefused(POLICY_VIOLATION, "no start message came in time") from None
        if not isinstance(message, StartMessage):
            raise StreamRefused(POLICY_VIOLATION, "the stream did not begin with a start message")
        return message

    async def next(self) -> Message:
        """:raises SocketLeft: at the end of the socket.

        :raises StreamRefused: when it says too much, or too much that makes no sense.
        """
        while True:
            try:
                message = read_message(await self._text())
            except MalformedMessage as error:
                self.count_bad(str(error))
                continue
            if message is not None:
                return message
            self.unknown_events += 1

    def count_bad(self, reason: str) -> None:
        """:raises StreamRefused: when it was one too many."""
        self.bad_messages += 1
        if self.bad_messages == 1:
            logger.warning("A message of a media stream was left out", extra={"reason": reason})
        if not self._bad.take():
            raise StreamRefused(NOT_UNDERSTOOD, "too many messages could not be read")

    async def _text(self) -> str:
        event = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            raise SocketLeft
        self._messages += 1
        if self._messages % MESSAGES_IN_A_ROW == 0:
            await asyncio.sleep(0)
        if not self._all.take():
            raise StreamRefused(POLICY_VIOLATION, "too many messages a second")
        text = event.get("text")
        if text is None:
            raise MalformedMessage("it is binary")
        return str(text)
