"""A stream whose other side takes nothing any more is given up, in bounded time and memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect

from interject.integrations.twilio.message_reader import MessageReader
from interject.integrations.twilio.messages import MediaFormat
from interject.integrations.twilio.phone_call import CallKind, PhoneCall
from interject.integrations.twilio.phone_stream import Ending, PhoneStream
from interject.integrations.twilio.sound_codec import SoundCodec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FORM = MediaFormat.model_validate({"encoding": "audio/x-mulaw", "sampleRate": 8_000})
CALL = PhoneCall("CA1", "AC1", CallKind.BOT)


class SilentAgent:
    """Stays, and hears."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.failure: Exception | None = None

    def hear(self, identity: str, samples: np.ndarray[Any, Any]) -> None:
        """Nothing comes in here."""


class StuckSocket:
    """Says nothing, and takes nothing: by hanging, or by being gone."""

    def __init__(self, send: Callable[[], Awaitable[None]]) -> None:
        self._send = send

    async def receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("it waits for ever")

    async def send_text(self, _text: str) -> None:
        await self._send()


async def hang() -> None:
    await asyncio.Event().wait()


async def vanish() -> None:
    raise WebSocketDisconnect(1006)


@pytest.mark.parametrize(("send", "ending"), [(hang, Ending.SLOW_READER), (vanish, Ending.HUNG_UP)])
async def test_a_line_that_takes_nothing_ends_the_stream(
    send: Callable[[], Awaitable[None]], ending: Ending
) -> None:
    socket: Any = StuckSocket(send)
    agent: Any = SilentAgent()
    stream = PhoneStream(
        socket, MessageReader(socket), CALL, SoundCodec(FORM), "MZ1", send_timeout_s=0.05
    )
    assert stream.sink is not None
    running = asyncio.create_task(stream.run(agent, hang))
    await asyncio.wait_for(stream.sink.write(np.full(80_000, 5_000, "<i2").tobytes(), 8_000), 5)
    assert await asyncio.wait_for(running, 5) is ending
