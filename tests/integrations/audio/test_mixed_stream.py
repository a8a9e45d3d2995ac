"""What one reader gets of many voices: in step with the clock, and nothing that is not wanted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np

from interject.integrations.audio.echo import EchoCanceller
from interject.integrations.audio.mixed_stream import QUEUE_BLOCKS, MixedStream
from interject.integrations.audio.own_voice import OwnVoice
from interject.integrations.audio.source_queue import BLOCK_S, BLOCK_SAMPLES
from tests.fakes.clock import FakeClock
from tests.waiting import until

LOUD = np.full(BLOCK_SAMPLES, 8_000, np.int16)


@dataclass
class Wish:
    wanted: bool = True

    def __call__(self) -> bool:
        return self.wanted


async def pass_blocks(clock: FakeClock, stream: MixedStream, count: int) -> None:
    blocks = stream.mixer.report().blocks + count
    clock.advance(count * BLOCK_S)
    stream.wake()
    await until(lambda: stream.mixer.report().blocks == blocks)


async def test_blocks_come_with_their_speakers_and_end_with_the_stream() -> None:
    clock = FakeClock()
    async with MixedStream(wanted=Wish(), clock=clock) as stream:
        stream.mixer.add("left", "ann")
        stream.mixer.push("left", LOUD)
        await pass_blocks(clock, stream, 1)
        block = await anext(stream)
        assert [speaker.identity for speaker in block.speakers] == ["ann"]
        assert np.array_equal(block.samples, LOUD)
        stream.mixer.rest("left")
        await pass_blocks(clock, stream, 2)
    async with asyncio.timeout(5):
        assert len([block async for block in stream]) == 2


async def test_what_was_mixed_before_a_no_is_forgotten_and_what_follows_is_not_kept() -> None:
    clock, wish = FakeClock(), Wish()
    async with MixedStream(wanted=wish, clock=clock) as stream:
        await pass_blocks(clock, stream, 3)
        wish.wanted = False
        stream.forget()
        await pass_blocks(clock, stream, 4)
        wish.wanted = True
        await pass_blocks(clock, stream, 1)
        assert round((await anext(stream)).captured_at - clock() + BLOCK_S, 3) == 0


async def test_a_reader_that_stays_away_loses_the_oldest_and_they_are_counted() -> None:
    clock = FakeClock()
    async with MixedStream(wanted=Wish(), clock=clock) as stream:
        began = clock()
        await pass_blocks(clock, stream, QUEUE_BLOCKS + 3)
        assert stream.dropped_blocks == 3
        assert round((await anext(stream)).captured_at - began, 3) == round(3 * BLOCK_S, 3)


class Silencer:
    """Takes everything for an echo."""

    def process(
        self,
        said: np.ndarray[tuple[int], np.dtype[np.int16]],
        heard: np.ndarray[tuple[int], np.dtype[np.int16]],
    ) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        return np.zeros_like(heard)


async def test_who_only_sends_back_the_agents_voice_does_not_speak() -> None:
    clock = FakeClock()
    voice = OwnVoice(clock)
    voice.say(np.tile(LOUD, 50))
    echo = EchoCanceller(voice, Silencer)
    async with MixedStream(wanted=Wish(), echo=echo, clock=clock) as stream:
        stream.mixer.add("left", "ann")
        stream.mixer.push("left", LOUD)
        await pass_blocks(clock, stream, 1)
        block = await anext(stream)
    assert (block.speakers, block.samples.any()) == ((), np.False_)
