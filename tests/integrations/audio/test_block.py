"""When a block was captured, and how loud it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.audio.block import BlockReader
from interject.integrations.audio.talk_over import TalkOver
from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from interject.integrations.audio.block import Block

SILENCE = np.zeros(800, np.int16)
LOUD = np.full(800, 16_384, np.int16)


def read(reader: BlockReader, sound: np.ndarray[tuple[int], np.dtype[np.int16]]) -> Block:
    return reader.read(sound, rate_hz=SAMPLE_RATE_HZ)


def test_blocks_that_waited_and_come_in_a_burst_keep_their_times() -> None:
    clock = FakeClock(10.0)
    reader = BlockReader(clock)
    first = read(reader, SILENCE).captured_at
    clock.advance(0.3)
    times = [read(reader, SILENCE).captured_at - first for _ in range(4)]
    assert times == pytest.approx([0.05, 0.10, 0.15, 0.20])


def test_after_a_hole_the_clock_counts_again() -> None:
    clock = FakeClock(10.0)
    reader = BlockReader(clock)
    read(reader, SILENCE)
    clock.advance(5.0)
    assert read(reader, SILENCE).captured_at == pytest.approx(14.95)


def test_stereo_lasts_half_as_long_as_its_samples() -> None:
    block = BlockReader(FakeClock(10.0)).read(SILENCE, rate_hz=8_000, channels=2)
    assert block.captured_at == pytest.approx(9.95)


def test_a_level_is_measured_where_nobody_states_one() -> None:
    reader = BlockReader(FakeClock())
    assert read(reader, LOUD).level_dbfs == pytest.approx(-6.02, abs=0.01)
    assert read(reader, SILENCE).level_dbfs == -120.0


def test_a_rate_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="sample rate of 0"):
        BlockReader(FakeClock()).read(SILENCE, rate_hz=0)


def test_talking_over_takes_a_moment_and_pauses_count_back() -> None:
    loud = read(BlockReader(FakeClock()), LOUD)
    quiet = read(BlockReader(FakeClock()), SILENCE)
    notice = TalkOver(hold_ms=150)
    assert [notice(block) for block in (loud, loud, quiet, loud, loud)] == [
        False, False, False, False, True,
    ]  # fmt: skip
