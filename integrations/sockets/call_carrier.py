"""One socket while it carries a call: sound and events in, speech and words out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.integrations.sockets.socket_ending import HANG_UPS, SocketEnding
from interject.integrations.sockets.socket_events import ClosedByPeer, StreamOpened
from interject.integrations.web.audio_socket import SlowReader, SocketLeft, StreamRefused

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from interject.integrations.sockets.socket_call import SocketCall
    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_event_reader import SocketEventReader
    from interject.integrations.web.audio_socket import AudioSocket

LEAVING_S = 1.0
"""Who cannot be written to any more is soon read to have left, and how."""


class CallCarrier:
    """`refusal` says what was wrong with it, where that ended it."""

    def __init__(
        self, call: SocketCall, socket: AudioSocket, codec: SocketCodec, reader: SocketEventReader
    ) -> None:
        self._call = call
        self._socket = socket
        self._codec = codec
        self._reader = reader
        self._greeted = asyncio.Event()
        self.refusal: StreamRefused | None = None

    async def run(self) -> SocketEnding:
        """Until the first of both sides ends it."""
        with self._call.carried() as replaced:
            works = [
                self._hear(),
                _sending(self._speak()),
                _sending(self._write()),
                self._left(),
                self._replaced(replaced),
            ]
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work, name="socket") for work in works]
                done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in running:
                    task.cancel()
            return next(task for task in tasks if task in done).result()

    async def _hear(self) -> SocketEnding:
        try:
            while True:
                async with asyncio.timeout(self._call.platform.silence_s):
                    event = await self._reader.next()
                if isinstance(event, ClosedByPeer):
                    return SocketEnding.HUNG_UP
                if isinstance(event, StreamOpened):
                    await self._reader.leave_out("its call is open already")
                    continue
                self._call.take(event)
        except SocketLeft:
            meant = self._socket.close_code in HANG_UPS
            return SocketEnding.HUNG_UP if meant else SocketEnding.CUT
        except SlowReader:
            return SocketEnding.SLOW_READER
        except StreamRefused as refusal:
            self.refusal = refusal
            return SocketEnding.REFUSED
        except TimeoutError:
            return SocketEnding.SILENT

    async def _speak(self) -> SocketEnding:
        """The socket whose place this one took may not have noticed yet."""
        await self._greeted.wait()
        sink, pace = self._call.sink, self._codec.pace
        if sink is not None and pace is not None:
            async with self._call.speaking:
                await sink.run(self._codec, pace, self._socket.send)
        await asyncio.Event().wait()
        raise AssertionError("it waits for ever")

    async def _write(self) -> SocketEnding:
        """What the agent has to write, once there is one."""
        call = self._call
        await call.answered.wait()
        if call.agent is None:
            return call.ending
        if (ready := self._codec.ready()) is not None:
            await self._socket.send(ready)
        self._greeted.set()
        listening = True
        while True:
            if call.listening.wanted is not listening:
                listening = call.listening.wanted
                if (told := self._codec.listening(wanted=listening)) is not None:
                    await self._socket.send(told)
            while call.unsent:
                await self._socket.send(call.unsent.popleft())
            call.news.clear()
            await call.news.wait()

    async def _left(self) -> SocketEnding:
        await self._call.over.wait()
        return self._call.ending

    async def _replaced(self, replaced: asyncio.Event) -> SocketEnding:
        await replaced.wait()
        return SocketEnding.REPLACED


async def _sending(work: Coroutine[None, None, SocketEnding]) -> SocketEnding:
    try:
        return await work
    except SlowReader:
        return SocketEnding.SLOW_READER
    except SocketLeft:
        await asyncio.sleep(LEAVING_S)
        return SocketEnding.CUT
