from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.agent.capture_times import CaptureTimes
from interject.agent.framing import Framer, Pacing
from interject.agent.time_line import LiveLimits
from interject.model_runtime.protocol import (
    FRAME_S,
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_RATE_HZ,
    Frame,
    Speaker,
)
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

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


@dataclass
class Microphone:
    """Sound whose samples tell the number of their block, read by a process that stands still.

    `stamp` makes a block's stated capture time of the true one.
    """

    clock: FakeClock
    framer: Framer
    stamp: Callable[[float], float]
    delay_s: float = 0.0
    blocks: int = 0
    frames: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start_s = self.clock.now_s

    def run(self, seconds: float) -> None:
        """Read every block when it is there."""
        for _ in range(round(seconds / BLOCK_S)):
            self.stand_still(BLOCK_S)

    def stand_still(self, seconds: float, *, tick_first: bool = True) -> None:
        self.clock.advance(seconds)
        if tick_first:
            self.frames += self.framer.tick()
        while self.captured_at + BLOCK_S + self.delay_s <= self.clock.now_s + 1e-6:
            stamp = self.stamp(self.captured_at)
            self.blocks += 1
            block = np.full(BLOCK_SAMPLES, self.blocks, np.int16)
            self.frames += self.framer.push(block, stamp)
        self.frames += self.framer.tick()

    @property
    def captured_at(self) -> float:
        return self.start_s + self.blocks * BLOCK_S

    def drift_s(self) -> float:
        """How much later than its capture the last frame's sound stands."""
        frame = self.frames[-1]
        pcm = pcm_of([frame])
        at = int(pcm.nonzero()[0][0])
        captured_at = self.start_s + (int(pcm[at]) - 1) * BLOCK_S
        return frame.captured_at + at / SAMPLE_RATE_HZ - captured_at


def true_times(_clock: FakeClock) -> Callable[[float], float]:
    return lambda captured_at: captured_at


def counted_times(clock: FakeClock) -> Callable[[float], float]:
    times = CaptureTimes(clock)
    return lambda _: times.of(BLOCK_S)


def arrival_times(clock: FakeClock) -> Callable[[float], float]:
    return lambda _: clock.now_s - BLOCK_S


SOURCES = (true_times, counted_times, arrival_times)


@pytest.mark.parametrize("times", SOURCES)
@pytest.mark.parametrize("stall_s", [0.08, 0.3, 0.62, 1.5])
@pytest.mark.parametrize("tick_first", [True, False])
def test_drift_does_not_add_up_over_standstills(
    times: Callable[[FakeClock], Callable[[float], float]], stall_s: float, tick_first: bool
) -> None:
    clock = FakeClock()
    source = Microphone(clock, live(clock), times(clock))
    for _ in range(60):
        source.stand_still(stall_s, tick_first=tick_first)
        source.run(1.3)
        assert abs(source.drift_s()) < FRAME_S
        assert_balanced(source.framer)
    assert [frame.seq for frame in source.frames] == list(range(len(source.frames)))


@pytest.mark.parametrize("delay_s", [0.35, 0.8, 4.0])
def test_a_source_that_becomes_late_for_good_is_heard_again(delay_s: float) -> None:
    clock = FakeClock()
    source = Microphone(clock, live(clock), true_times(clock))
    source.run(3.0)
    source.delay_s = delay_s
    source.run(2 * delay_s + 5.0)
    before = source.framer.report()
    source.run(10.0)
    source.delay_s = 0.0
    source.run(10.0)
    after = source.framer.report()
    assert after.late_samples == before.late_samples
    assert after.missing_samples == before.missing_samples
    assert after.overflow_samples == 0
    assert abs(source.drift_s()) < FRAME_S
    clock.advance(5.0)
    last = source.framer.tick()[-1]
    assert last.captured_at + FRAME_S == pytest.approx(clock.now_s, abs=FRAME_S + 0.2)


def test_a_late_first_block_loses_nothing() -> None:
    clock = FakeClock()
    source = Microphone(clock, live(clock), true_times(clock))
    source.stand_still(4.0)
    source.run(1.3)
    report = source.framer.report()
    assert report.late_samples == report.overflow_samples == report.missing_samples == 0
    assert source.drift_s() == pytest.approx(0, abs=1e-3)


@given(
    st.sampled_from(SOURCES),
    st.lists(st.tuples(st.floats(0, 4), st.floats(0, 2), st.booleans()), max_size=12),
)
def test_no_order_of_standstills_leaves_a_drift(
    times: Callable[[FakeClock], Callable[[float], float]], steps: list[tuple[float, float, bool]]
) -> None:
    clock = FakeClock()
    framer = live(clock)
    source = Microphone(clock, framer, times(clock))
    for stall_s, run_s, tick_first in steps:
        source.stand_still(stall_s, tick_first=tick_first)
        source.run(run_s)
        assert_balanced(framer)
    source.run(1.3)
    assert abs(source.drift_s()) < FRAME_S


@pytest.mark.parametrize("rate", [0.999, 1.001])
def test_a_rate_that_is_slightly_wrong_stays_near_the_clock(rate: float) -> None:
    clock = FakeClock()
    framer = live(clock)
    frames = stream(framer, clock, 30_000, rate=rate)
    report = framer.report()
    wrong = 0.001 * report.received_samples
    slack = 0.2 * SAMPLE_RATE_HZ
    assert report.missing_samples <= (wrong + slack if rate < 1 else 0)
    assert report.overflow_samples <= (wrong + slack if rate > 1 else 0)
    assert report.late_samples == 0
    assert report.clock_jumps == 0
    assert abs(frames[-1].captured_at + FRAME_S - clock.now_s) < 2 * FRAME_S
    assert_balanced(framer)


def test_capture_times_that_fall_behind_the_clock_make_nothing_late() -> None:
    """Whoever counts a slow source's samples for time states earlier and earlier times."""
    clock = FakeClock()
    framer = live(clock)
    start_s = clock.now_s
    for index in range(25_000):
        clock.now_s = start_s + (index + 1) * BLOCK_S / 0.999
        framer.push(ramp(BLOCK_SAMPLES), start_s + index * BLOCK_S)
        framer.tick()
    report = framer.report()
    assert report.late_samples == report.overflow_samples == report.clock_jumps == 0
    assert report.missing_samples < 0.5 * SAMPLE_RATE_HZ
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


def test_sound_after_a_standstill_floods_nothing_either() -> None:
    """Who stops listening for an hour may hear the next block before the next tick."""
    clock = FakeClock()
    framer = live(clock)
    framer.push(ramp(BLOCK_SAMPLES), clock.now_s)
    clock.advance(3_600)
    assert len(framer.push(ramp(BLOCK_SAMPLES), clock.now_s - BLOCK_S)) <= 2
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
