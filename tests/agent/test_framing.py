from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.agent.framing import Framer, LiveLimits, Pacing
from interject.model_runtime.protocol import (
    FRAME_S,
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_RATE_HZ,
    Frame,
    Speaker,
)
from tests.fakes.clock import FakeClock

BLOCK_SAMPLES = 320
BLOCK_S = BLOCK_SAMPLES / SAMPLE_RATE_HZ


def ramp(samples: int, start: int = 0) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Every sample tells its own position (and none is 0, so silence is told apart)."""
    return ((np.arange(start, start + samples) % 30_000) + 1).astype(np.int16)


def pcm_of(frames: list[Frame]) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.frombuffer(b"".join(frame.pcm for frame in frames), np.int16)


def assert_balanced(framer: Framer) -> None:
    r = framer.report()
    assert r.received_samples + r.missing_samples + r.tail_samples == (
        r.frames * FRAME_SAMPLES + r.waiting_samples + r.late_samples + r.overflow_samples
    )


def live(clock: FakeClock, limits: LiveLimits | None = None) -> Framer:
    return Framer(Pacing.WALL_CLOCK, clock=clock, limits=limits)


def stream(framer: Framer, clock: FakeClock, blocks: int, *, rate: float = 1.0) -> list[Frame]:
    """Blocks of 20 ms that each arrive when their last sample was captured."""
    start_s = clock.now_s
    frames: list[Frame] = []
    for index in range(blocks):
        captured_at = start_s + index * BLOCK_S / rate
        clock.now_s = captured_at + BLOCK_S / rate
        frames += framer.push(ramp(BLOCK_SAMPLES, index * BLOCK_SAMPLES), captured_at)
        frames += framer.tick()
    return frames


@given(
    total=st.integers(0, 3 * FRAME_SAMPLES + 100),
    cuts=st.lists(st.integers(0, 3 * FRAME_SAMPLES + 100), max_size=12),
)
def test_any_split_gives_the_same_frames(total: int, cuts: list[int]) -> None:
    sound = ramp(total)
    whole = Framer()
    expected = [*whole.push(sound, 5.0), *whole.finish()]
    split = Framer()
    edges = [0, *sorted(min(cut, total) for cut in cuts), total]
    frames: list[Frame] = []
    for start, end in pairwise(edges):
        frames += split.push(sound[start:end], 5.0 + start / SAMPLE_RATE_HZ)
    frames += split.finish()
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert frames == expected
    assert np.array_equal(pcm_of(frames)[:total], sound)
    assert not pcm_of(frames)[total:].any()
    assert_balanced(split)


@given(
    st.lists(
        st.tuples(st.integers(1, 4_000), st.floats(0, 1.5), st.floats(-2, 2), st.booleans()),
        max_size=30,
    )
)
def test_live_accounts_for_every_sample_whatever_happens(
    steps: list[tuple[int, float, float, bool]],
) -> None:
    clock = FakeClock()
    framer = live(clock)
    frames: list[Frame] = []
    for samples, pause_s, stamp_error_s, tick in steps:
        clock.advance(pause_s)
        frames += framer.push(ramp(samples), clock.now_s + stamp_error_s)
        frames += framer.tick() if tick else []
        assert_balanced(framer)
    frames += framer.finish()
    seqs = [frame.seq for frame in frames]
    assert all(a < b for a, b in pairwise(seqs))
    assert_balanced(framer)


def test_a_frame_waits_for_the_first_samples_of_the_next() -> None:
    framer = Framer()
    sound = ramp(FRAME_SAMPLES + LOOKAHEAD_SAMPLES)
    assert framer.push(sound[:-1], 2.0) == []
    (frame,) = framer.push(sound[-1:], 2.4)
    assert frame.captured_at == 2.0
    assert frame.pcm == sound[:FRAME_SAMPLES].tobytes()
    assert frame.lookahead == sound[FRAME_SAMPLES:].tobytes()


def test_the_last_frame_is_padded_and_has_no_lookahead() -> None:
    framer = Framer()
    framer.push(ramp(FRAME_SAMPLES + 20), 0.0)
    first, last = framer.finish()
    assert len(first.lookahead) == 2 * LOOKAHEAD_SAMPLES
    assert last.lookahead == b""
    assert framer.report().tail_samples == FRAME_SAMPLES - 20
    assert framer.finish() == []


def test_only_int16_in_one_dimension_is_taken() -> None:
    with pytest.raises(ValueError, match="one dimension of int16, not 1 of float32"):
        Framer().push(np.zeros(4, np.float32), 0.0)
    assert Framer().push(np.zeros(0, np.int16), 0.0) == []


def test_speakers_travel_with_every_frame_they_were_heard_in() -> None:
    framer = Framer()
    anna, ben = Speaker("anna", -20.0), Speaker("ben", -12.0)
    framer.push(ramp(FRAME_SAMPLES - 10), 0.0, [anna, ben])
    framer.push(ramp(20), 0.4, [Speaker("anna", -9.0)])
    frames = [*framer.push(ramp(FRAME_SAMPLES), 0.4), *framer.finish()]
    assert frames[0].speakers == (Speaker("anna", -9.0), ben)
    assert frames[1].speakers == (Speaker("anna", -9.0),)
    assert frames[2].speakers == ()


def test_live_on_time_changes_nothing() -> None:
    clock = FakeClock()
    framer = live(clock)
    frames = stream(framer, clock, 61)
    assert [frame.seq for frame in frames] == [0, 1, 2]
    assert np.array_equal(pcm_of(frames), ramp(3 * FRAME_SAMPLES))
    report = framer.report()
    assert report.missing_samples == report.late_samples == report.overflow_samples == 0


def test_missing_sound_becomes_silence_at_the_deadline_and_late_sound_is_dropped() -> None:
    clock = FakeClock()
    framer = live(clock)
    start_s = clock.now_s
    clock.advance(0.1)
    assert framer.push(ramp(1_600), start_s) == []
    clock.now_s = start_s + FRAME_S + 0.19
    assert framer.tick() == []
    clock.now_s = start_s + FRAME_S + 0.21
    (frame,) = framer.tick()
    assert np.array_equal(pcm_of([frame])[:1_600], ramp(1_600))
    assert not pcm_of([frame])[1_600:].any()
    filled = FRAME_SAMPLES - 1_600 + LOOKAHEAD_SAMPLES
    assert framer.report().missing_samples == filled
    for at in range(1_600, FRAME_SAMPLES + 1_600, 1_600):
        framer.push(ramp(1_600, at), start_s + at / SAMPLE_RATE_HZ)
    report = framer.report()
    assert report.late_samples == filled - LOOKAHEAD_SAMPLES
    assert report.waiting_samples == LOOKAHEAD_SAMPLES + 1_600
    assert_balanced(framer)


def test_a_hole_in_the_capture_times_keeps_later_sound_in_its_place() -> None:
    clock = FakeClock()
    framer = live(clock)
    start_s = clock.now_s
    framer.push(ramp(1_600), start_s)
    clock.advance(0.4)
    frames = framer.push(ramp(6_400), start_s + 0.3)
    sound = pcm_of(frames)
    assert not sound[1_600:4_800].any()
    assert sound[4_800] == 1
    assert framer.report().missing_samples == 3_200


def test_reordered_sound_counts_as_late() -> None:
    clock = FakeClock()
    framer = live(clock)
    start_s = clock.now_s
    framer.push(ramp(1_600), start_s)
    clock.advance(0.6)
    framer.push(ramp(1_600), start_s + 0.3)
    framer.push(ramp(1_600), start_s + 0.1)
    framer.push(ramp(1_600), start_s + 0.4)
    report = framer.report()
    assert (report.missing_samples, report.late_samples) == (3_200, 1_600)
    assert_balanced(framer)


def test_a_burst_is_kept_up_to_the_bound_and_then_counted() -> None:
    clock = FakeClock()
    framer = live(clock, LiveLimits(max_ahead_s=1.0))
    framer.push(ramp(320), clock.now_s)
    frames = framer.push(ramp(2 * SAMPLE_RATE_HZ), clock.now_s)
    assert len(frames) == 2
    assert framer.report().overflow_samples == SAMPLE_RATE_HZ
    assert_balanced(framer)


@pytest.mark.parametrize("rate", [0.98, 1.02])
def test_a_wrong_rate_is_measured_and_no_frame_is_lost(rate: float) -> None:
    clock = FakeClock()
    framer = live(clock)
    frames = stream(framer, clock, 3_000, rate=rate)
    report = framer.report()
    assert report.drift_ppm == pytest.approx((rate - 1) * 1e6, abs=100)
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert report.late_samples == 0
    if rate < 1:
        assert report.missing_samples > 0
    assert_balanced(framer)


def test_drift_is_unknown_at_first() -> None:
    clock = FakeClock()
    framer = live(clock)
    stream(framer, clock, 10)
    assert framer.report().drift_ppm is None


def test_a_standstill_skips_frames_instead_of_flooding_the_model() -> None:
    clock = FakeClock()
    framer = live(clock)
    framer.push(ramp(100), clock.now_s)
    clock.advance(3_600)
    frames = framer.tick()
    assert [frame.seq for frame in frames] == [0]
    after = framer.push(ramp(FRAME_SAMPLES), clock.now_s)
    assert after[0].seq == 1 + framer.report().skipped_frames
    assert framer.report().skipped_frames > 8_900
    assert_balanced(framer)


@pytest.mark.parametrize("jump_s", [3_600.0, -3_600.0])
def test_a_capture_clock_that_jumps_is_counted_and_sound_goes_on(jump_s: float) -> None:
    clock = FakeClock()
    framer = live(clock)
    start_s = clock.now_s
    framer.push(ramp(320), start_s)
    framer.push(ramp(320), start_s + jump_s)
    framer.push(ramp(320), start_s + jump_s + 0.02)
    report = framer.report()
    assert (report.clock_jumps, report.waiting_samples) == (1, 960)


def test_the_wall_clock_starts_with_the_first_sound() -> None:
    clock = FakeClock()
    framer = live(clock)
    clock.advance(100)
    assert framer.tick() == []
    assert Framer().tick() == []
