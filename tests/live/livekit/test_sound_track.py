"""Music on a track of its own in a real room: it gives way to people and ends when they say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.config import load_profile
from interject.integrations.livekit.room.sound_track import NAME
from interject.model_runtime.protocol import Cause
from tests.agent.soundboard.boards import decibels, folder, profile_file
from tests.fakes.runtime import Scripted
from tests.live.livekit.participants import person, tone
from tests.live.livekit.scripted_agent import on_stage
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.livekit.participants import Person
    from tests.live.livekit.server import LiveKitServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

BLOCKS_A_SECOND = 50


def level(listener: Person, seconds: float = 0.2) -> float:
    """Of what was heard last."""
    last = listener.heard[-round(seconds * BLOCKS_A_SECOND) :]
    return decibels(np.concatenate(last)) if last else -120.0


async def test_it_is_heard_gives_way_and_ends(
    shared_livekit: LiveKitServer, tmp_path: Path
) -> None:
    folder(tmp_path / "sounds")
    profile = load_profile(
        profile_file(tmp_path, play="track", fades={"in_s": 0.1}, ducking={"hold_s": 0.2})
    )
    async with (
        on_stage(shared_livekit, "music", profile=profile) as stage,
        person(shared_livekit, "music", "listener") as listener,
        person(shared_livekit, "music", "guest") as guest,
    ):
        tracks = [
            one.name for one in stage.agent.room.local_participant.track_publications.values()
        ]
        assert NAME in tracks
        stage.model.reply(Scripted("[play hum]"), cause=Cause.MODEL)
        await until(lambda: level(listener) > -28.0, "the music")
        whole = level(listener)
        await guest.visitor.play(tone(200, 0.6, level=1_000))
        await until(lambda: decibels_of(listener, 400) < whole - 12.0, "it gives way")
        await until(lambda: decibels_of(listener, 400) > whole - 2.0, "and comes back")
        await guest.visitor.write("Stop the music, please")
        await until(lambda: level(listener) < -80.0, "silence")


def decibels_of(listener: Person, hz: float) -> float:
    """Of one tone of what was heard last, whatever else was heard."""
    heard = np.concatenate(listener.heard[-10:]).astype(np.float64) / 32_768.0
    at = np.exp(-2j * np.pi * hz * np.arange(len(heard)) / 16_000)
    return 20 * float(np.log10(max(1e-6, np.sqrt(2) * abs(heard @ at) / len(heard))))
