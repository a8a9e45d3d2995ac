"""When a block was captured, and how loud it is."""

from __future__ import annotations

import numpy as np
import pytest
from livekit import rtc

from interject.integrations.audio.block import BlockReader
from interject.integrations.audio.talk_over import TalkOver
from interject.integrations.livekit.room.ear import CAPTURED_KEY, SPEAKERS_KEY
from interject.model_runtime.protocol import Speaker
from tests.fakes.clock import FakeClock
from tests.fakes.livekit_audio import frames_of, silence


def block_frame() -> rtc.AudioFrame:
    return frames_of(silence(0.05))[0]


def test_blocks_that_waited_and_come_in_a_burst_keep_their_times() -> None:
    clock = FakeClock(10.0)
    reader = BlockReader(clock)
    first = reader.read(block_frame()).captured_at
    clock.advance(0.3)
    times = [reader.read(block_frame()).captured_at - first for _ in range(4)]
    assert times == pytest.approx([0.05, 0.10, 0.15, 0.20])


def test_after_a_hole_the_clock_counts_again() -> None:
    clock = FakeClock(10.0)
    reader = BlockReader(clock)
    reader.read(block_frame())
    clock.advance(5.0)
    assert reader.read(block_frame()).captured_at == pytest.approx(14.95)


def test_a_source_that_states_its_times_and_speakers_is_believed() -> None:
    frame = block_frame()
    frame.userdata[CAPTURED_KEY] = 3.25
    frame.userdata[SPEAKERS_KEY] = (Speaker("ada", -20.0), Speaker("bo", -50.0))
    block = BlockReader(FakeClock()).read(frame)
    assert block.captured_at == 3.25
    assert [speaker.identity for speaker in block.speakers] == ["ada", "bo"]
    assert block.level_dbfs == -20.0


def test_a_level_is_measured_where_nobody_states_one() -> None:
    tone = np.full(800, 16_384, np.int16)
    reader = BlockReader(FakeClock())
    assert reader.read(frames_of(tone)[0]).level_dbfs == pytest.approx(-6.02, abs=0.01)
    assert reader.read(block_frame()).level_dbfs == -120.0


def test_stereo_at_another_rate_becomes_16_khz_mono() -> None:
    frame = rtc.AudioFrame(bytes(480 * 4), 48_000, 2, 480)
    reader = BlockReader(FakeClock())
    samples = sum(len(reader.read(frame).samples) for _ in range(100))
    assert 15_000 < samples <= 16_000


def test_talking_over_takes_a_moment_and_pauses_count_back() -> None:
    loud = BlockReader(FakeClock()).read(frames_of(np.full(800, 16_384, np.int16))[0])
    quiet = BlockReader(FakeClock()).read(block_frame())
    notice = TalkOver(hold_ms=150)
    assert [notice(block) for block in (loud, loud, quiet, loud, loud)] == [
        False, False, False, False, True,
    ]  # fmt: skip
