"""What goes out over a call's socket keeps its order, whoever has to wait."""

from __future__ import annotations

import asyncio

from interject.integrations.web.audio_socket import AudioSocket
from tests.fakes.web_socket import FakeWebSocket


class BusyWebSocket(FakeWebSocket):
    """Takes nothing until it is told to; then whoever asks first may be served last."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[asyncio.Future[None]] = []

    async def send_text(self, data: str) -> None:
        if len(self.waiting) < 2:
            self.waiting.append(asyncio.get_running_loop().create_future())
            await self.waiting[-1]
        await super().send_text(data)


async def test_messages_leave_in_the_order_in_which_they_were_given() -> None:
    busy = BusyWebSocket()
    socket = AudioSocket(busy)
    sends = [asyncio.ensure_future(socket.send(str(number))) for number in range(4)]
    while not all(send.done() for send in sends):
        await asyncio.sleep(0.001)
        for future in reversed(busy.waiting):
            if not future.done():
                future.set_result(None)
    assert busy.sent == ["0", "1", "2", "3"]
