"""Chunks in order, holes filled by their time stamps, and nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.audio.quick_resampler import QuickResampler
from interject.integrations.twilio.inbound_track import InboundTrack
from interject.integrations.twilio.messages import MediaChunk, MediaFormat
from interject.integrations.twilio.sound_codec import SoundCodec

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAME_MS = 20
LOUD = 8_000
SETTLED = 32
"""Samples at 16 kHz that the resampler holds back, at most: 2 ms."""


RECORDED: dict[str, list[int]] = {
    "a stall and a burst": [
        0,
        0,
        0,
        160,
        150,
        131,
        112,
        90,
        71,
        50,
        33,
        12,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    ],
    "every other is late": [0, 31, 0, 35, 0, 33, 0, 38, 0, 30],
    "a sender's clock of 50 ms": [0, 30, 10, 40, 20],
    "two routes": [0, 0, 0, 0, 0, 120, 120, 120, 120, 120, 120, 120, 0, 0, 0, 0],
    "a step back": [200, 0, 0, 0, 0, 0, 0, 0],
    "up to 200 ms": [7, 190, 41, 88, 200, 3, 120, 66, 171, 19, 0, 154, 97, 33, 182, 59, 140, 11],
}
"""How late each time stamp was, in ms, from its place; again and again."""


def new_track(encoding: str = "audio/x-mulaw", rate_hz: int = 8_000) -> InboundTrack:
    form = MediaFormat.model_validate({"encoding": encoding, "sampleRate": rate_hz})
    return InboundTrack(SoundCodec(form))


def chunk(number: int, timestamp_ms: int, payload: bytes = b"\x9a" * 160) -> MediaChunk:
    return MediaChunk.model_construct(
        track="inbound", number=number, timestamp_ms=timestamp_ms, payload=payload
    )


def heard(track: InboundTrack, chunks: list[MediaChunk]) -> np.ndarray:
    """Silence stands for what is missing."""
    pieces = [piece for one in chunks for piece in track.hear(one)]
    return np.concatenate([np.pad(samples, (missing, 0)) for samples, missing in pieces])


def missing(track: InboundTrack, chunks: list[MediaChunk]) -> list[int]:
    return [hole for one in chunks for _, hole in track.hear(one) if hole]


def steady(first: int, count: int, shift_ms: int = 0) -> list[MediaChunk]:
    return [chunk(n, n * FRAME_MS + shift_ms) for n in range(first, first + count)]


def test_a_steady_stream_is_heard_whole() -> None:
    track = new_track()
    sound = heard(track, steady(1, 100))
    assert 0 <= 100 * 320 - len(sound) <= SETTLED
    assert (track.gaps, track.late_chunks) == (0, 0)
    assert np.abs(sound[SETTLED * 4 :].astype(int)).min() > 1_000


def test_each_chunk_is_heard_at_once() -> None:
    """A mixer on the wall clock waits for nobody longer than 100 ms."""
    track = new_track()
    lengths = [len(heard(track, [one])) for one in steady(1, 50)]
    assert min(lengths) >= 320 - SETTLED
    assert set(lengths[1:]) == {320}


def test_a_tone_comes_through_one_resampler_without_a_break() -> None:
    track = new_track("audio/x-l16")
    times = np.arange(16_000) / 8_000
    tone = np.rint(LOUD * np.sin(2 * np.pi * 440 * times)).astype("<i2").tobytes()
    pieces = [
        chunk(n + 1, n * FRAME_MS, tone[n * 320 : (n + 1) * 320]) for n in range(len(tone) // 320)
    ]
    sound = heard(track, pieces).astype(float)[10 * SETTLED : -SETTLED]
    expected = LOUD * np.sin(2 * np.pi * 440 * (np.arange(len(sound)) + 10 * SETTLED) / 16_000)
    assert np.abs(sound - expected).max() < LOUD * 0.01


def test_a_missing_chunk_becomes_silence_of_its_length() -> None:
    track = new_track()
    chunks = steady(1, 20)
    del chunks[10]
    sound = heard(track, chunks)
    assert 0 <= 20 * 320 - len(sound) <= SETTLED
    assert (track.gaps, track.gap_ms) == (1, FRAME_MS)
    middle = sound[11 * 320 - 240 : 11 * 320 - 80]
    assert np.abs(middle.astype(int)).max() < 200


def test_a_chunk_that_could_not_be_read_leaves_the_same_hole() -> None:
    track = new_track()
    sound = heard(track, [*steady(1, 5), *steady(9, 5)])
    assert 0 <= 13 * 320 - len(sound) <= SETTLED
    assert track.gap_ms == 3 * FRAME_MS


def test_a_chunk_that_comes_twice_or_late_is_dropped() -> None:
    track = new_track()
    first, second, third = steady(1, 3)
    sound = heard(track, [first, second, second, third, first])
    assert 0 <= 3 * 320 - len(sound) <= SETTLED
    assert track.late_chunks == 2


def test_a_hole_that_the_clock_has_filled_is_counted_only() -> None:
    """Once time stamps have said so for two seconds."""
    track = new_track()
    sound = heard(track, [*steady(1, 5), *steady(6, 110, shift_ms=120)])
    assert 0 <= 115 * 320 - len(sound) <= SETTLED
    assert (track.gaps, track.gap_ms) == (1, 120)


def test_a_hole_by_its_numbers_is_told_with_its_length() -> None:
    """How much of it the clock has filled already the mixer knows."""
    track = new_track()
    holes = missing(track, [*steady(1, 5), *steady(7, 5), *steady(106, 5), *steady(121, 5)])
    assert holes == [320, 94 * 320, 10 * 320]
    assert (track.gaps, track.gap_ms) == (3, 105 * FRAME_MS)


@pytest.mark.parametrize("far_ms", [2**53, 10**12])
def test_a_time_stamp_out_of_this_world_costs_no_memory(far_ms: int) -> None:
    track = new_track()
    sound = heard(track, [chunk(1, 0), chunk(2, far_ms), chunk(3, 40), chunk(4, 60)])
    assert len(sound) <= 4 * 320
    assert heard(track, [chunk(5, 80)]).size


def test_time_stamps_that_begin_anew_are_followed() -> None:
    track = new_track()
    heard(track, steady(1, 500))
    sound = heard(track, [chunk(501 + n, n * FRAME_MS) for n in range(50)])
    assert 50 * 320 - len(sound) <= SETTLED
    assert track.late_chunks == 0


@pytest.mark.parametrize("first_ms", [0, 501 * FRAME_MS])
def test_numbers_that_begin_anew_are_followed(first_ms: int) -> None:
    """With time stamps that do so too, or that go on."""
    track = new_track()
    heard(track, steady(1, 500))
    anew = [chunk(1 + n, first_ms + n * FRAME_MS) for n in range(50)]
    sound = heard(track, [*anew[:20], anew[19], anew[18], *anew[20:]])
    assert 50 * 320 - len(sound) <= SETTLED
    assert (track.late_chunks, track.gaps) == (2, 0)


@pytest.mark.parametrize("step_ms", [19.8, 20.2])
def test_a_clock_that_runs_slower_or_faster_than_its_sound_costs_no_sound(step_ms: float) -> None:
    track = new_track()
    sound = heard(track, [chunk(n, round(n * step_ms)) for n in range(1, 1_001)])
    assert 0 <= 1_000 * 320 - len(sound) <= SETTLED
    assert (track.late_chunks, track.gaps) == (0, 0 if step_ms < FRAME_MS else 4)


def test_half_a_sample_is_refused_and_the_stream_goes_on() -> None:
    track = new_track("audio/x-l16")
    with pytest.raises(ValueError, match="buffer"):
        track.hear(chunk(1, 0, b"\x01"))
    assert track.hear(chunk(2, 20, b"\x01\x00" * 160))
    assert track.late_chunks == 0


@pytest.mark.parametrize("pattern", RECORDED)
def test_time_stamps_that_jitter_neither_cut_nor_stretch_what_comes(pattern: str) -> None:
    """They go backwards in most of these."""
    late_ms = RECORDED[pattern]
    track = new_track("audio/x-l16")
    sound = heard(track, told_late([late_ms[n % len(late_ms)] for n in range(500)]))
    assert_same_speech(sound)
    assert (track.late_chunks, track.gaps) == (0, 0)


@pytest.mark.parametrize("most_ms", [10, 20, 30, 40, 60, 100, 200])
def test_jitter_without_a_pattern_costs_nothing_either(most_ms: int) -> None:
    draw = np.random.default_rng(most_ms)
    track = new_track("audio/x-l16")
    sound = heard(track, told_late(draw.integers(0, most_ms, 3_000).tolist()))
    assert_same_speech(sound)
    assert (track.late_chunks, track.gaps) == (0, 0)


def test_what_is_missing_is_filled_while_time_stamps_jitter() -> None:
    draw = np.random.default_rng(1)
    chunks = told_late(draw.integers(0, 200, 1_000).tolist())
    del chunks[100:103], chunks[500]
    track = new_track("audio/x-l16")
    sound = heard(track, chunks)
    assert 0 <= 1_000 * 320 - len(sound) <= SETTLED
    assert (track.gaps, track.gap_ms) == (2, 4 * FRAME_MS)


def test_numbers_that_skip_without_a_reason_make_no_holes() -> None:
    """As where both tracks of a stream were counted together. Nor do they delay what comes."""
    track = new_track()
    sound = heard(track, [chunk(2 * n, n * FRAME_MS) for n in range(100)])
    assert 100 * 320 - len(sound) <= SETTLED
    assert (track.gaps, track.late_chunks) == (0, 0)


@pytest.mark.parametrize("order", [[1, 0], [2, 0, 1], [0, 2, 1], [1, 2, 0]])
def test_chunks_that_overtake_each_other_are_put_in_order(order: list[int]) -> None:
    chunks = told_late([0] * 300)
    chunks[100 : 100 + len(order)] = [chunks[100 + place] for place in order]
    track = new_track("audio/x-l16")
    assert_same_speech(heard(track, chunks))
    assert (track.late_chunks, track.gaps) == (0, 0)


def test_what_comes_twice_is_heard_once_while_time_stamps_jitter() -> None:
    draw = np.random.default_rng(2)
    once = told_late(draw.integers(0, 200, 500).tolist())
    twice = [
        *once[:200],
        *once[190:200],
        *(one for one in once[200:300] for _ in "ab"),
        *once[300:],
    ]
    track = new_track("audio/x-l16")
    assert_same_speech(heard(track, twice))
    assert (track.late_chunks, track.gaps) == (110, 0)


def test_chunks_without_numbers_are_heard_as_they_come() -> None:
    track = new_track("audio/x-l16")
    chunks = [one.model_copy(update={"number": 1}) for one in told_late([0] * 100)]
    assert_same_speech(heard(track, chunks))


def told_late(late_ms: list[int]) -> list[MediaChunk]:
    """A tone, each chunk of which has a time stamp that is so much too late."""
    sound = tone(len(late_ms))
    return [
        chunk(n + 1, n * FRAME_MS + late, sound[n * 160 : (n + 1) * 160].tobytes())
        for n, late in enumerate(late_ms)
    ]


def tone(chunks: int) -> NDArray[np.int16]:
    """It never repeats itself: a chunk in a wrong place is heard."""
    times = np.arange(chunks * 160) / 8_000
    wave = LOUD * np.sin(2 * np.pi * (300 + 20 * times) * times)
    return wave.astype("<i2")


def assert_same_speech(sound: np.ndarray) -> None:
    resampler = QuickResampler(8_000)
    chunks = round((len(sound) + SETTLED) / 320)
    expected = resampler.push(tone(chunks))
    assert len(sound) == len(expected)
    assert np.abs(sound.astype(int) - expected).max() <= 1
