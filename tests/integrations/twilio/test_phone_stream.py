"""A stream whose other side takes nothing any more is given up, in bounded time and memory."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect

from interject.integrations.twilio.message_reader import MessageReader
from interject.integrations.twilio.messages import MediaFormat
from interject.integrations.twilio.phone_call import CallKind, PhoneCall
from interject.integrations.twilio.phone_stream import Ending, PhoneStream
from interject.integrations.twilio.sound_codec import SoundCodec
from interject.integrations.web.audio_socket import AudioSocket, SocketLimits
from tests.fakes.web_socket import FakeWebSocket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FORM = MediaFormat.model_validate({"encoding": "audio/x-mulaw", "sampleRate": 8_000})
CALL = PhoneCall("CA1", "AC1", CallKind.BOT)


class SilentAgent:
    """Stays, and hears."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.failure: Exception | None = None
        self.missing: list[int] = []

    def hear(self, identity: str, samples: np.ndarray[Any, Any], missing: int = 0) -> None:
        self.missing.append(missing)


class StuckSocket(FakeWebSocket):
    """Says nothing, and takes nothing: by hanging, or by being gone."""

    def __init__(self, send: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._send = send

    async def send_text(self, data: str) -> None:
        await self._send()


async def hang() -> None:
    await asyncio.Event().wait()


async def vanish() -> None:
    raise WebSocketDisconnect(1006)


@pytest.mark.parametrize(("send", "ending"), [(hang, Ending.SLOW_READER), (vanish, Ending.HUNG_UP)])
async def test_a_line_that_takes_nothing_ends_the_stream(
    send: Callable[[], Awaitable[None]], ending: Ending
) -> None:
    socket = AudioSocket(StuckSocket(send), SocketLimits(send_s=0.05))
    agent: Any = SilentAgent()
    stream = PhoneStream(socket, MessageReader(socket), CALL, SoundCodec(FORM), "MZ1")
    assert stream.sink is not None
    running = asyncio.create_task(stream.run(agent, hang))
    await asyncio.wait_for(stream.sink.write(np.full(80_000, 5_000, "<i2").tobytes(), 8_000), 5)
    assert await asyncio.wait_for(running, 5) is ending


def media(number: int) -> dict[str, Any]:
    chunk = {
        "track": "inbound", "chunk": str(number), "timestamp": str(20 * number),
        "payload": base64.b64encode(b"\x9a" * 160).decode(),
    }  # fmt: skip
    return {"event": "media", "media": chunk}


async def test_what_is_missing_is_told_with_what_comes_after_it() -> None:
    said = [media(number) | {"streamSid": "MZ1"} for number in (1, 2, 3, 6, 7, 8)]
    socket = AudioSocket(FakeWebSocket(*said, {"type": "websocket.disconnect"}))
    agent: Any = SilentAgent()
    stream = PhoneStream(socket, MessageReader(socket), CALL, SoundCodec(FORM), "MZ1")
    assert await asyncio.wait_for(stream.run(agent, hang), 5) is Ending.HUNG_UP
    assert sum(agent.missing) == max(agent.missing) == 2 * 320
    assert stream.gap_ms == 40
