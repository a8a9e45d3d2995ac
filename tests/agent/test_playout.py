from __future__ import annotations

import asyncio
import math

import numpy as np

from interject.agent.playout import PlayoutLedger
from interject.agent.sinks import TimelineSink
from interject.agent.voice.base import SpokenChunk, WordTiming

RATE_HZ = 8_000


def chunk(samples: int, *words: WordTiming, level: int = 1_000) -> SpokenChunk:
    return SpokenChunk(np.full(samples, level, "<i2").tobytes(), words)


def test_words_are_heard_when_they_are_over() -> None:
    ledger = PlayoutLedger()
    ledger.add(chunk(100, WordTiming("a", 0, 2, 0, 40), WordTiming("b", 2, 4, 40, 100)))
    assert ledger.heard_chars == 0
    ledger.played_to(39)
    assert ledger.heard_chars == 0
    ledger.played_to(40)
    assert ledger.heard_chars == 2
    assert [word.text for word in ledger.heard_words] == ["a"]
    ledger.played_to(10)
    assert ledger.position_samples == 40
    ledger.played_to(10_000)
    assert (ledger.position_samples, ledger.heard_chars) == (100, 4)


def test_a_better_timing_replaces_a_guess() -> None:
    ledger = PlayoutLedger()
    ledger.add(chunk(100, WordTiming("a", 0, 2, 0, 20)))
    ledger.add(SpokenChunk(b"", (WordTiming("a", 0, 2, 0, 90),)))
    ledger.played_to(50)
    assert ledger.heard_chars == 0


class Recorder:
    def __init__(self) -> None:
        self.sounds: list[tuple[float, int]] = []

    def __call__(self, start_s: float, pcm: bytes, sample_rate_hz: int) -> None:
        self.sounds.append((round(start_s, 6), len(pcm) // 2))


async def test_a_timeline_plays_as_the_stream_goes_on() -> None:
    recorder = Recorder()
    sink = TimelineSink(recorder)
    sink.advance(0.8)
    sink.begin(0.8)
    await sink.write(bytes(2 * 8_000), RATE_HZ)
    assert recorder.sounds == []
    sink.advance(1.2)
    sink.advance(1.2)
    assert (recorder.sounds, sink.position_samples) == ([(0.8, 3_200)], 3_200)
    sink.begin(1.2)
    await sink.write(bytes(2 * 800), RATE_HZ)
    sink.advance(math.inf)
    assert recorder.sounds == [(0.8, 3_200), (1.2, 4_800), (1.8, 800)]
    await sink.drain()


async def test_a_timeline_forgets_what_is_cleared() -> None:
    recorder = Recorder()
    sink = TimelineSink(recorder)
    await sink.write(bytes(2 * 8_000), RATE_HZ)
    sink.advance(0.5)
    waiter = asyncio.create_task(sink.drain())
    await asyncio.sleep(0)
    await sink.clear()
    await waiter
    sink.begin(0.7)
    await sink.write(bytes(2 * 80), RATE_HZ)
    sink.advance(math.inf)
    assert recorder.sounds == [(0.0, 4_000), (0.7, 80)]
    assert sink.position_samples == 4_080


async def test_speech_that_comes_late_is_still_put_where_it_belongs() -> None:
    recorder = Recorder()
    sink = TimelineSink(recorder)
    sink.advance(4.0)
    sink.begin(0.8)
    await sink.write(bytes(2 * 800), RATE_HZ)
    assert recorder.sounds == [(0.8, 800)]
