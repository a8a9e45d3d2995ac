"""What comes in by one media socket, message by message."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.integrations.twilio.messages import (
    ConnectedMessage,
    MalformedMessage,
    StartMessage,
    read_message,
)
from interject.integrations.web.audio_socket import POLICY_VIOLATION, StreamRefused

if TYPE_CHECKING:
    from interject.integrations.twilio.messages import Message
    from interject.integrations.web.audio_socket import AudioSocket

START_TIMEOUT_S = 5.0


class MessageReader:
    """Messages that cannot be read are counted and left out; too many of them end the stream."""

    def __init__(self, socket: AudioSocket) -> None:
        self._socket = socket
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
            text = await self._socket.receive()
            if isinstance(text, bytes):
                self._socket.count_bad("it is binary")
                continue
            try:
                message = read_message(text)
            except MalformedMessage as error:
                self._socket.count_bad(str(error))
                continue
            if message is not None:
                return message
            self.unknown_events += 1
