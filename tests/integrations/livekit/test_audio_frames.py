"""A frame of LiveKit's as a block: its own rate and channels, and what an ear wrote on it."""

from __future__ import annotations

from livekit import rtc

from interject.integrations.audio.block import BlockReader
from interject.integrations.livekit.audio_frames import CAPTURED_KEY, SPEAKERS_KEY, read_frame
from interject.model_runtime.protocol import Speaker
from tests.fakes.clock import FakeClock
from tests.fakes.livekit_audio import frames_of, silence


def test_a_source_that_states_its_times_and_speakers_is_believed() -> None:
    frame = frames_of(silence(0.05))[0]
    frame.userdata[CAPTURED_KEY] = 3.25
    frame.userdata[SPEAKERS_KEY] = (Speaker("ada", -20.0), Speaker("bo", -50.0))
    block = read_frame(BlockReader(FakeClock()), frame)
    assert block.captured_at == 3.25
    assert [speaker.identity for speaker in block.speakers] == ["ada", "bo"]
    assert block.level_dbfs == -20.0


def test_stereo_at_another_rate_becomes_16_khz_mono() -> None:
    frame = rtc.AudioFrame(bytes(480 * 4), 48_000, 2, 480)
    reader = BlockReader(FakeClock())
    samples = sum(len(read_frame(reader, frame).samples) for _ in range(100))
    assert 15_000 < samples <= 16_000
