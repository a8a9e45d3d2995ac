from __future__ import annotations

import pytest

from interject.agent.capture_times import CaptureTimes
from tests.fakes.clock import FakeClock

BLOCK_S = 0.05


def test_a_burst_after_a_short_wait_keeps_its_times() -> None:
    clock = FakeClock(10.0)
    times = CaptureTimes(clock)
    times.of(BLOCK_S)
    clock.advance(0.3)
    assert [times.of(BLOCK_S) for _ in range(4)] == pytest.approx([10.0, 10.05, 10.1, 10.15])


def test_after_a_hole_the_count_begins_anew() -> None:
    clock = FakeClock(10.0)
    times = CaptureTimes(clock)
    times.of(BLOCK_S)
    clock.advance(5.0)
    assert times.of(BLOCK_S) == pytest.approx(14.95)


def test_nothing_is_captured_after_it_is_read() -> None:
    """A burst after a wait that was taken for a hole must not run ahead of the clock for good."""
    clock = FakeClock(10.0)
    times = CaptureTimes(clock)
    times.of(BLOCK_S)
    clock.advance(1.0)
    assert [times.of(BLOCK_S) for _ in range(20)] == pytest.approx([10.95] * 20)
    clock.advance(BLOCK_S)
    assert times.of(BLOCK_S) == pytest.approx(11.0)
