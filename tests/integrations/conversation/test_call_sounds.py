"""Sounds on a call: played where the profile and the line allow it, and whoever wants silence has
it.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

import pytest

from interject.config import load_profile
from interject.integrations.conversation.cues import PlayMessage
from interject.integrations.conversation.floor_control import Method
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.switchboard import Switchboard
from interject.model_runtime.protocol import Cause, Emotion
from tests.agent.soundboard.boards import decibels, folder, profile_file
from tests.fakes.line import FakeLine
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.conversation.test_call_agent import Playing, Scene
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.agent.soundboard.desk import SoundDesk

RATE_HZ = 8_000


class Carrying(Playing):
    """A line whose one track a test takes from."""

    def __init__(self) -> None:
        super().__init__()
        self.desk: SoundDesk | None = None

    @property
    def sounds_rate_hz(self) -> int:
        return RATE_HZ

    def carry(self, desk: SoundDesk) -> None:
        self.desk = desk

    def level(self, seconds: float) -> float:
        """Of the last tenth of what follows."""
        assert self.desk is not None
        taken = [self.desk.take(RATE_HZ // 50) for _ in range(round(seconds * 50))]
        return decibels(taken[-1])


class Studio(Scene):
    """A call with music."""

    sink: Carrying

    def replies(self, text: str, emotion: Emotion = Emotion.NORMAL) -> None:
        self.model.reply(Scripted(text, emotion), cause=Cause.MODEL)

    @property
    def plays(self) -> bool:
        return self.sink.desk is not None and self.sink.desk.is_playing

    @property
    def shown(self) -> list[tuple[str, str, bool]]:
        cues = [cue for cue, _ in self.line.cues if isinstance(cue, PlayMessage)]
        return [(cue.action.value, cue.sound, cue.aloud) for cue in cues]


@contextlib.asynccontextmanager
async def studio(path: Path, *, barge_in: bool = False, **board: Any) -> AsyncIterator[Studio]:
    folder(path / "sounds")
    profile = load_profile(profile_file(path, **{"play": "track", **board}))
    model = FakeRuntime()
    switchboard = Switchboard(Role(profile, runtime=model, barge_in=barge_in), model)
    scene = Studio(switchboard, model, FakeLine())
    scene.sink = Carrying()
    async with switchboard.call(
        switchboard.reserve(),
        door="test",
        call_id="call",
        line=scene.line,
        sink=scene.sink,
        speakers=("host", "guest"),
    ) as agent:
        scene.agent = agent
        yield scene


def counted(scene: Studio, kind: str, outcome: str) -> float:
    labels = {"kind": kind, "outcome": outcome}
    return scene.switchboard.registry.get_sample_value("interject_test_sounds_total", labels) or 0


async def test_a_sound_is_played_and_shown_with_its_licence_and_counted(tmp_path: Path) -> None:
    async with studio(tmp_path) as scene:
        scene.replies("[play hum]")
        await until(lambda: scene.plays and bool(scene.shown))
        scene.replies("[play hum]")
        assert scene.sink.level(1.5) == pytest.approx(-25.4, abs=0.5)
        await until(lambda: counted(scene, "bed", "cooldown") == 1)
        assert counted(scene, "bed", "played") == 1
        message = scene.line.cues[0][0].model_dump(mode="json")
    assert scene.shown == [("play", "hum", True)]
    assert (message["category"], message["licence"], message["credit"]) == (
        "play", "CC0-1.0", "a test",
    )  # fmt: skip


async def test_it_gives_way_to_whoever_talks(tmp_path: Path) -> None:
    async with studio(tmp_path) as scene:
        scene.replies("[play hum]")
        await until(lambda: scene.plays)
        alone = scene.sink.level(1.5)
        await scene.talk("guest", 0.1)
        assert scene.sink.level(0.5) == pytest.approx(alone - 15.0, abs=0.5)


async def test_where_the_profile_wants_cards_they_are_cards(tmp_path: Path) -> None:
    async with studio(tmp_path, play="cue") as scene:
        scene.replies("[play hum]")
        await until(lambda: bool(scene.shown))
        assert scene.sink.desk is None
    assert scene.shown == [("play", "hum", False)]


async def test_an_operator_s_mode_a_wish_to_stop_listening_and_words_of_its_own_are_silence_at_once(
    tmp_path: Path,
) -> None:
    async with studio(tmp_path, cooldown_s=0) as scene:
        for silence in (
            lambda: scene.agent.control(Method.SET_MODE, '{"mode": "assist"}', caller="host"),
            lambda: scene.agent.write("guest", "stop listening"),
        ):
            scene.agent.control(Method.SET_MODE, '{"mode": "speak"}', caller="host")
            scene.replies("[play hum]")
            await until(lambda: scene.plays)
            scene.sink.level(1.0)
            silence()
            assert scene.sink.level(0.04) < -100
            assert not scene.plays
        scene.agent.write("guest", "start listening")
        scene.replies("[play hum]")
        await until(lambda: scene.plays)
        await scene.agent.leave("Goodbye.")
        assert scene.sink.level(0.04) < -100


async def test_whoever_writes_that_the_music_shall_stop_has_no_more_of_it(tmp_path: Path) -> None:
    async with studio(tmp_path, cooldown_s=0) as scene:
        scene.replies("[play hum]")
        await until(lambda: scene.plays)
        scene.sink.level(1.0)
        scene.agent.write("guest", "Stop the music, please!")
        assert scene.sink.level(0.04) < -100
        await until(lambda: scene.shown[-1] == ("stop", "", True))
        scene.replies("[play ding]")
        await until(lambda: counted(scene, "effect", "forbidden") == 1)
        assert not scene.plays
        assert scene.model.replies == 2, "the model need not read the wish"
        assert scene.shown[-1] == ("stop", "", True)


async def test_who_cuts_the_agent_cuts_an_effect_and_no_bed(tmp_path: Path) -> None:
    async with studio(tmp_path) as scene:
        scene.replies("[play ding]")
        await until(lambda: scene.plays)
        await scene.agent.interrupt()
        scene.sink.level(0.3)
        assert not scene.plays
        scene.replies("[play hum]")
        await until(lambda: scene.plays)
        await scene.agent.interrupt()
        scene.sink.level(0.3)
        assert scene.plays


async def test_danger_is_told_without_music(tmp_path: Path) -> None:
    async with studio(tmp_path) as scene:
        scene.replies("[play hum]")
        await until(lambda: scene.plays)
        scene.replies("Fire!", Emotion.URGENT)
        await until(lambda: ("stop", "", True) in scene.shown)
        scene.sink.level(2.1)
        assert not scene.plays


async def test_sounds_that_have_gone_are_cards_and_the_call_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder(tmp_path / "sounds")
    profile = load_profile(profile_file(tmp_path, play="track"))
    (tmp_path / "sounds" / "hum.flac").write_bytes(b"nothing")
    model = FakeRuntime()
    switchboard = Switchboard(Role(profile, runtime=model), model)
    scene = Studio(switchboard, model, FakeLine())
    with caplog.at_level(logging.WARNING):
        async with switchboard.call(
            switchboard.reserve(), door="test", call_id="call", line=scene.line,
            sink=Carrying(), speakers=("host",),
        ):  # fmt: skip
            scene.replies("[play ding]")
            await until(lambda: bool(scene.shown))
    assert scene.shown == [("play", "ding", False)]
    assert "The sounds cannot be played" in caplog.messages
