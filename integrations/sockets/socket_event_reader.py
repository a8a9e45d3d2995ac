"""What comes in by one socket, event by event."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from interject.integrations.sockets.socket_codec import BadMessage
from interject.integrations.sockets.socket_events import ClosedByPeer, SendNow, StreamOpened
from interject.integrations.web.audio_socket import POLICY_VIOLATION, StreamRefused

if TYPE_CHECKING:
    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import SocketEvent
    from interject.integrations.web.audio_socket import AudioSocket

LATE = "nothing that opens a call came in time"
EARLY = "it comes before its call is opened"


class SocketEventReader:
    """Messages that cannot be read are counted and left out; too many of them end the socket.
    Answers that wait for nobody are sent on the way.
    """

    def __init__(self, socket: AudioSocket, codec: SocketCodec) -> None:
        self._socket = socket
        self._codec = codec
        self._ready: deque[SocketEvent] = deque()

    async def opened(self, within_s: float) -> StreamOpened | None:
        """None: the other side has thought better of it.

        :raises StreamRefused: when it says something else, or nothing for too long.
        """
        try:
            async with asyncio.timeout(within_s):
                while not isinstance(event := await self.next(), StreamOpened):
                    if isinstance(event, ClosedByPeer):
                        return None
                    await self.leave_out(EARLY)
        except TimeoutError:
            raise StreamRefused(POLICY_VIOLATION, LATE) from None
        return event

    async def next(self) -> SocketEvent:
        """:raises SocketLeft, SlowReader: when nobody is there any more, or takes answers.

        :raises StreamRefused: when it says too much, or too much that makes no sense.
        """
        while True:
            while self._ready:
                event = self._ready.popleft()
                if not isinstance(event, SendNow):
                    return event
                await self._socket.send(event.message)
            await self._read()

    async def leave_out(self, reason: str) -> None:
        """Its sender is told, where the platform has words for that; no more often than bad
        messages are let pass.

        :raises StreamRefused: when it was one too many.
        """
        self._socket.count_bad(reason)
        if (told := self._codec.left_out(reason)) is not None:
            await self._socket.send(told)

    async def _read(self) -> None:
        message = await self._socket.receive()
        try:
            self._ready.extend(self._codec.read(message))
        except BadMessage as error:
            await self.leave_out(str(error))
