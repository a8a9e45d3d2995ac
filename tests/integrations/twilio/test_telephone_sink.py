"""A sink in real time: it waits for room, for marks, and for nobody who is gone."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.twilio.messages import (
    MediaFormat,
    Outgoing,
    OutgoingClear,
    OutgoingMark,
    OutgoingMedia,
)
from interject.integrations.twilio.sound_codec import SoundCodec
from interject.integrations.twilio.telephone_sink import MOST_HELD_S, TelephoneSink
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RATE_HZ = 16_000
FORM = MediaFormat.model_validate({"encoding": "audio/x-mulaw", "sampleRate": 8_000})


def sound(seconds: float) -> bytes:
    return np.full(round(seconds * RATE_HZ), 5_000, "<i2").tobytes()


class Handset:
    """The other end: keeps what comes, and plays at once, so that each mark comes back at once."""

    def __init__(self, *, gives_marks_back: bool = True) -> None:
        self.got: list[Outgoing] = []
        self.sink = TelephoneSink(self._take, SoundCodec(FORM), "MZ1", mark_patience_s=0.05)
        self.gives_marks_back = gives_marks_back
        self.broken = False

    async def _take(self, message: Outgoing) -> None:
        if self.broken:
            raise ConnectionError
        self.got.append(message)
        if self.gives_marks_back and isinstance(message, OutgoingMark):
            self.sink.mark_came_back(message.mark.name)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.sink.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def frames(self) -> int:
        return sum(isinstance(message, OutgoingMedia) for message in self.got)


async def test_a_reply_is_played_to_its_end() -> None:
    handset = Handset()
    async with handset.connected():
        await handset.sink.write(sound(0.3), RATE_HZ)
        await handset.sink.drain()
        assert handset.sink.position_samples == round(0.3 * RATE_HZ)
        assert handset.frames == 15
        assert handset.sink.lost_marks == 0


async def test_writing_waits_while_enough_is_held() -> None:
    handset = Handset()
    async with handset.connected():
        writing = asyncio.create_task(handset.sink.write(sound(MOST_HELD_S + 0.3), RATE_HZ))
        await asyncio.sleep(0)
        assert not writing.done()
        await writing
        assert handset.frames >= 10
        await handset.sink.clear()


async def test_clear_stops_at_once_and_forgets() -> None:
    handset = Handset(gives_marks_back=False)
    async with handset.connected():
        writing = asyncio.create_task(handset.sink.write(sound(5.0), RATE_HZ))
        await until(lambda: handset.frames >= 10)
        await handset.sink.clear()
        await writing
        frames = handset.frames
        await until(lambda: isinstance(handset.got[-1], OutgoingClear))
        await asyncio.sleep(0.05)
        assert handset.frames == frames
        assert handset.sink.position_samples == 0
        await asyncio.wait_for(handset.sink.drain(), 1)


async def test_draining_does_not_wait_for_a_mark_that_never_comes() -> None:
    handset = Handset(gives_marks_back=False)
    async with handset.connected():
        await handset.sink.write(sound(0.1), RATE_HZ)
        await handset.sink.drain()
        assert handset.sink.lost_marks == 1
        assert handset.sink.position_samples == round(0.1 * RATE_HZ)


@pytest.mark.parametrize("waiting_for", ["room", "end"])
async def test_nobody_waits_for_a_line_that_is_gone(waiting_for: str) -> None:
    handset = Handset()
    handset.broken = True
    async with handset.connected():
        if waiting_for == "room":
            await asyncio.wait_for(handset.sink.write(sound(60.0), RATE_HZ), 1)
        else:
            await handset.sink.write(sound(0.1), RATE_HZ)
            await asyncio.wait_for(handset.sink.drain(), 1)
        await asyncio.wait_for(handset.sink.write(sound(60.0), RATE_HZ), 1)
        await asyncio.wait_for(handset.sink.clear(), 1)
    assert handset.frames == 0
