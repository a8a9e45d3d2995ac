"""What is said, frame by frame: in time, counted as heard when it is, silent at once when told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from interject.agent.soundboard.soundboard import Soundboard
from interject.config import load_profile
from interject.integrations.webrtc.speaking_track import FRAME_S, SpeakingTrack
from interject.integrations.webrtc.track_sink import HELD_S, TrackSink
from tests.agent.soundboard.boards import folder, profile_file
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 24_000
ONE_FRAME = round(FRAME_S * RATE_HZ) + 3
"""In samples. The resampler holds back one more of a reply that is not finished."""


def speech(seconds: float, level: int = 5_000) -> bytes:
    return np.full(round(seconds * RATE_HZ), level, "<i2").tobytes()


class World:
    """A sink and its track, whose frames a test asks for one by one."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.voice: list[bool] = []
        self.sink = TrackSink(self.voice.append, clock=self.clock)
        self.sink.receiver_delay_s = 0.0
        self.track = self.sink.track()

    async def play(self, frames: int) -> list[int]:
        """Their loudest samples."""
        found = []
        for _ in range(frames):
            sent = await self.track.recv()
            found.append(int(np.abs(sent.to_ndarray()).max()))
            self.clock.advance(FRAME_S)
            await asyncio.sleep(0)
        return found


async def test_silence_is_sent_while_nothing_is_said() -> None:
    world = World()
    assert await world.play(10) == [0] * 10
    assert world.sink.position_samples == 0


async def test_a_write_waits_until_no_more_than_its_share_is_held() -> None:
    world = World()
    writing = asyncio.create_task(world.sink.write(speech(0.6), RATE_HZ))
    await asyncio.sleep(0)
    assert not writing.done()
    await world.play(round((0.6 - HELD_S) / FRAME_S) - 1)
    assert not writing.done()
    await world.play(2)
    assert writing.done()


async def test_the_position_counts_what_was_sent_less_what_is_on_its_way() -> None:
    world = World()
    world.sink.round_trip_s, world.sink.receiver_delay_s = 0.08, 0.06
    await world.sink.write(speech(0.4), RATE_HZ)
    await world.play(10)
    on_the_way = 0.04 + 0.06
    assert world.sink.position_samples == pytest.approx(
        (10 * FRAME_S - on_the_way) * RATE_HZ, abs=ONE_FRAME
    )
    world.clock.advance(0.2)
    assert world.sink.position_samples == pytest.approx(10 * FRAME_S * RATE_HZ, abs=3)


async def test_draining_returns_when_the_last_word_has_been_heard() -> None:
    world = World()
    await world.sink.write(speech(0.1), RATE_HZ)
    draining = asyncio.create_task(world.sink.drain())
    await world.play(5)
    assert not draining.done()
    await world.play(2)
    await asyncio.wait_for(draining, 1)
    assert world.sink.position_samples == round(0.1 * RATE_HZ)


async def test_cleared_speech_stops_with_the_next_frame_and_never_counts() -> None:
    world = World()
    await world.sink.write(speech(0.4), RATE_HZ)
    assert min(await world.play(5)) > 4_000
    await world.sink.clear()
    assert await world.play(5) == [0] * 5
    assert world.sink.position_samples == pytest.approx(0.1 * RATE_HZ, abs=2)
    await world.sink.write(speech(0.2), RATE_HZ)
    await world.sink.clear()
    assert world.sink.position_samples == pytest.approx(0.1 * RATE_HZ, abs=2)


async def test_the_next_reply_is_counted_on_from_the_one_that_was_cut() -> None:
    world = World()
    await world.sink.write(speech(0.4), RATE_HZ)
    await world.play(5)
    await world.sink.clear()
    await world.sink.write(speech(0.2), RATE_HZ)
    await world.play(12)
    assert world.sink.position_samples == pytest.approx(0.3 * RATE_HZ, abs=2 * ONE_FRAME)


async def test_the_voice_is_told_of_once_a_reply_and_not_between_its_clauses() -> None:
    world = World()
    await world.sink.write(speech(0.1), RATE_HZ)
    await world.play(10)
    await world.sink.write(speech(0.1), RATE_HZ)
    await world.play(10)
    assert world.voice == [True]
    await world.play(20)
    assert world.voice == [True, False]


async def test_a_new_track_goes_on_where_the_last_one_stopped() -> None:
    world = World()
    await world.sink.write(speech(0.4), RATE_HZ)
    await world.play(5)
    world.track = world.sink.track()
    assert min(await world.play(15)) > 4_000
    assert world.sink.position_samples == pytest.approx(0.4 * RATE_HZ, abs=2 * ONE_FRAME)


async def test_time_stamps_follow_the_clock_and_a_standstill_is_left_out() -> None:
    clock = FakeClock()
    track = SpeakingTrack(lambda _: np.zeros(0, np.int16), clock=clock)
    stamps = []
    for step_s in (FRAME_S, FRAME_S, 1.0, FRAME_S, FRAME_S):
        stamps.append((await track.recv()).pts)
        clock.advance(step_s)
    stamps.append((await track.recv()).pts)
    assert np.diff(np.array(stamps) / 960).tolist() == [1, 1, 50, 1, 1]
    assert track.skipped_frames == 49


async def test_a_stopped_track_ends() -> None:
    track = SpeakingTrack(lambda _: np.zeros(0, np.int16))
    track.stop()
    with pytest.raises(MediaStreamError):
        await track.recv()


async def test_frames_keep_pace_with_the_real_clock() -> None:
    """A sleep that ends late makes the next shorter: ten frames never take the time of twelve."""
    loop = asyncio.get_running_loop()
    track = SpeakingTrack(lambda _: np.zeros(0, np.int16))
    begun = loop.time()
    for _ in range(11):
        await track.recv()
    assert loop.time() - begun >= 10 * FRAME_S - 0.002


async def test_music_goes_along_with_speech_and_counts_for_none(tmp_path: Path) -> None:
    folder(tmp_path / "sounds")
    board = Soundboard(load_profile(profile_file(tmp_path)).soundboard)
    world = World()
    desk = board.open(world.sink.sounds_rate_hz)
    world.sink.carry(desk)
    desk.play("hum")
    before = await world.play(75)
    assert before[-1] == pytest.approx(2_500, rel=0.1), "-22.3 dBFS at its peaks"
    assert world.sink.position_samples == 0
    assert world.voice == [], "music is no voice"
    await world.sink.write(speech(0.4, level=0), RATE_HZ)
    assert (await world.play(5))[-1] == pytest.approx(before[-1], rel=0.01), "silence is no speech"
    await world.sink.clear()
    await world.sink.write(speech(0.4, level=100), RATE_HZ)
    ducked = await world.play(10)
    assert ducked[-1] == pytest.approx(100 + before[-1] * 10 ** (-15 / 20), rel=0.05)
    desk.silence()
    assert (await world.play(20))[-1] == 0
