"""Music on a line that has one track: it goes along with speech, and counts for none."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.agent.soundboard.soundboard import Soundboard
from interject.config import load_profile
from interject.integrations.audio.paced_sink import PacedSink
from interject.integrations.audio.speech_wire import Pace
from tests.agent.soundboard.boards import decibels, folder, profile_file
from tests.integrations.audio.test_paced_stream import Wire
from tests.integrations.audio.wires import CLEAR, MARKED, TellingWire, Told
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from interject.agent.soundboard.desk import SoundDesk

UNMARKED = Pace(8_000, frame_s=0.1, whole_frames=True)


@pytest.fixture
def desk(tmp_path: Path) -> SoundDesk:
    folder(tmp_path / "sounds")
    settings = load_profile(profile_file(tmp_path)).soundboard
    return Soundboard(settings).open(8_000)


def quiet_speech(seconds: float) -> bytes:
    return np.full(round(seconds * 8_000), 100, "<i2").tobytes()


@pytest.mark.parametrize("pace", [MARKED, UNMARKED])
def test_music_is_sent_as_it_is_played_and_nothing_is_said(pace: Pace, desk: SoundDesk) -> None:
    wire = Wire(pace)
    wire.stream.sounds = desk
    wire.run(1.0)
    assert wire.sent == []
    desk.play("hum")
    wire.run(3.0)
    sent = np.concatenate(wire.frames)
    assert len(sent) / 8_000 == pytest.approx(3.0 + pace.lead_s, abs=1.01 * pace.frame_s)
    assert all(len(frame) == pace.frame_samples for frame in wire.frames)
    assert decibels(sent[12_000:16_000]) == pytest.approx(-25.4, abs=0.3)
    assert (wire.position, wire.marks) == (0, [])
    assert wire.stream.all_sent
    desk.silence()
    wire.run(1.0)
    count = len(wire.frames)
    wire.run(1.0)
    assert len(wire.frames) == count, "and then nothing more"


@pytest.mark.parametrize("pace", [MARKED, UNMARKED])
def test_speech_over_music_is_whole_and_counted_and_pushes_it_down(
    pace: Pace, desk: SoundDesk
) -> None:
    wire = Wire(pace)
    wire.stream.sounds = desk
    desk.play("hum")
    wire.run(2.0)
    before = len(wire.frames)
    wire.stream.write(quiet_speech(1.0), 8_000)
    wire.stream.finish()
    wire.run(2.0)
    for name in wire.marks:
        wire.stream.mark_came_back(name)
    assert wire.position == 8_000
    assert wire.stream.all_played(wire.clock())
    over = np.concatenate(wire.frames[before:])[:8_000] - 100
    assert decibels(over[2_000:]) == pytest.approx(-40.4, abs=0.5)


def test_what_is_cut_is_cut_and_music_goes_on(desk: SoundDesk) -> None:
    wire = Wire()
    wire.stream.sounds = desk
    desk.play("hum")
    wire.stream.write(quiet_speech(1.0), 8_000)
    wire.run(0.3)
    wire.stream.clear(wire.clock())
    wire.run(1.0)
    assert CLEAR in [told for _, told in wire.sent if isinstance(told, str)]
    assert wire.position <= 0.5 * 8_000
    assert decibels(wire.frames[-1]) > -60


async def test_a_sink_that_sleeps_is_woken_by_music(desk: SoundDesk) -> None:
    sent: list[Told] = []

    async def send(message: Told) -> None:
        sent.append(message)

    sink: PacedSink[Told] = PacedSink(sounds_rate_hz=8_000)
    sink.carry(desk)
    running = asyncio.create_task(sink.run(TellingWire(), MARKED, send))
    await asyncio.sleep(0.01)
    assert not sent
    desk.play("hum")
    await until(lambda: len(sent) > 5)
    running.cancel()
    await asyncio.wait({running})
    assert sink.position_samples == 0


async def test_a_line_of_another_rate_is_without_music(desk: SoundDesk) -> None:
    sent: list[Told] = []

    async def send(message: Told) -> None:
        sent.append(message)

    sink: PacedSink[Told] = PacedSink(sounds_rate_hz=8_000)
    sink.carry(desk)
    running = asyncio.create_task(sink.run(TellingWire(), replace(MARKED, rate_hz=16_000), send))
    desk.play("hum")
    await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.wait({running})
    assert not sent
