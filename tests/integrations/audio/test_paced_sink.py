"""A sink in real time: it waits for room, for marks, and for nobody who is gone."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.audio.paced_sink import MOST_HELD_S, PacedSink
from interject.integrations.audio.speech_wire import Pace
from tests.integrations.audio.wires import CLEAR, MARKED, TellingWire, Told
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RATE_HZ = 16_000
UNMARKED = Pace(8_000)


def sound(seconds: float) -> bytes:
    return np.full(round(seconds * RATE_HZ), 5_000, "<i2").tobytes()


class Handset:
    """The other end: keeps what comes, and plays at once, so that each mark comes back at once."""

    def __init__(self, pace: Pace = MARKED, *, gives_marks_back: bool = True) -> None:
        self.got: list[Told] = []
        self.sink: PacedSink[Told] = PacedSink(mark_patience_s=0.05)
        self.pace = pace
        self.gives_marks_back = gives_marks_back
        self.broken = False

    async def _take(self, message: Told) -> None:
        if self.broken:
            raise ConnectionError
        self.got.append(message)
        if self.gives_marks_back and isinstance(message, str) and message != CLEAR:
            self.sink.mark_came_back(message)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.sink.run(TellingWire(), self.pace, self._take))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def frames(self) -> int:
        return sum(not isinstance(message, str) for message in self.got)


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
        await until(lambda: handset.got[-1] is CLEAR)
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


async def test_without_marks_the_clock_says_what_was_played() -> None:
    handset = Handset(UNMARKED)
    async with handset.connected():
        began_at = asyncio.get_running_loop().time()
        await handset.sink.write(sound(0.3), RATE_HZ)
        await until(lambda: handset.frames >= 10)
        assert 0 < handset.sink.position_samples <= 0.3 * RATE_HZ
        await handset.sink.drain()
        assert asyncio.get_running_loop().time() - began_at >= 0.29
        assert handset.sink.position_samples == round(0.3 * RATE_HZ)
        assert handset.sink.lost_marks == 0


async def test_a_line_that_comes_back_is_spoken_to_again_and_nothing_old_is_said() -> None:
    handset = Handset()
    async with handset.connected():
        await handset.sink.write(sound(0.4), RATE_HZ)
        await until(lambda: handset.frames >= 10)
    heard = handset.sink.position_samples
    assert heard > 0
    await asyncio.wait_for(handset.sink.write(sound(60.0), RATE_HZ), 1)
    handset.got.clear()
    async with handset.connected():
        await asyncio.sleep(0)
        await handset.sink.write(sound(0.2), RATE_HZ)
        await handset.sink.drain()
        assert handset.frames == 10
        assert handset.sink.position_samples == heard + round(0.2 * RATE_HZ)


async def test_whoever_speaks_before_the_line_is_there_waits_for_it() -> None:
    handset = Handset()
    writing = asyncio.create_task(handset.sink.write(sound(0.1), RATE_HZ))
    await asyncio.sleep(0)
    assert not writing.done()
    async with handset.connected():
        await writing
        await handset.sink.drain()
    assert handset.frames == 5
