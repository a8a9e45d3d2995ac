"""The safe session, the plugin's registration, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Agent, Plugin
from livekit.agents.types import NOT_GIVEN
from livekit.agents.voice.room_io import AudioInputOptions, TextInputOptions

from interject.config import ProfileError, load_profile
from interject.integrations import livekit as interject
from interject.integrations.livekit.builder import on_text
from interject.integrations.livekit.plugin import InterjectPlugin, register
from interject.model_runtime.protocol import FloorMode, RuntimeFailure
from tests.fakes.runtime import FakeRuntime
from tests.fakes.voice import FakeVoice
from tests.waiting import until

ROOT = Path(__file__).parent.parent.parent.parent

WITHOUT_TORCH = """
import asyncio, sys
from livekit.agents import Agent
from interject.integrations import livekit as interject

async def main():
    model = interject.RealtimeModel("local:nano", reply_timeout_s=120.0)
    session = interject.session(model=model, tts=None)
    await session.start(Agent(instructions=""), record=False)
    handle = session.generate_reply()
    await handle
    assert handle.exception() is None, handle.exception()
    await session.aclose()
    await model.aclose()

asyncio.run(main())
assert "torch" not in sys.modules
"""


PRELOADED = """
import asyncio, importlib, sys
from interject.integrations import livekit as interject
for name in interject.PRELOAD:
    importlib.import_module(name)
from livekit.agents import Agent
from tests.fakes.livekit_audio import FakeLoudspeaker, FakeMicrophone

async def main():
    session = interject.session("local:nano", "default")
    session.input.audio, session.output.audio = FakeMicrophone(), FakeLoudspeaker()
    await session.start(Agent(instructions=""), record=False)
    await session.say("Good morning.")
    await session.generate_reply(user_input="Good morning.")
    await session.aclose()

before = set(sys.modules)
asyncio.run(main())
late = sorted(name for name in set(sys.modules) - before if name.startswith("interject."))
assert not late, late
"""


async def test_the_settings_that_would_harm_are_set() -> None:
    session = interject.session(FakeRuntime(), tts=None)
    assert session.vad is None
    assert session.options.aec_warmup_duration is None
    assert session.options.user_away_timeout is None
    assert session.options.interruption["discard_audio_if_uninterruptible"] is False
    assert session.options.use_tts_aligned_transcript is True
    assert session.turn_detection == "realtime_llm"


@pytest.mark.parametrize("option", ["vad", "aec_warmup_duration", "turn_handling"])
async def test_they_cannot_be_changed_by_the_way(option: str) -> None:
    options: dict[str, Any] = {option: None}
    with pytest.raises(ValueError, match=f"{option}: fixed here"):
        interject.session(FakeRuntime(), tts=None, **options)


async def test_our_voice_gets_the_text_unfiltered_and_others_as_usual() -> None:
    ours = interject.session(FakeRuntime(), tts=interject.TTS(FakeVoice()))
    assert ours.options.tts_text_transforms is None
    assert interject.session(FakeRuntime(), tts=None).options.tts_text_transforms


async def test_other_options_go_through() -> None:
    session = interject.session(FakeRuntime(), tts=None, userdata="mine")
    assert session.userdata == "mine"


async def test_a_profile_that_does_not_exist_is_named() -> None:
    with pytest.raises(ProfileError, match="no profile is called 'defautl'; did you mean"):
        interject.session(FakeRuntime(), "defautl")


async def test_a_runtime_that_does_not_exist_ends_the_session_with_its_reason() -> None:
    session = interject.session("nonsense:nano", tts=None)
    closed: list[object] = []
    session.on("close", lambda event: closed.append(event.error))
    await session.start(Agent(instructions=""), record=False)
    await until(lambda: closed)
    cause = getattr(closed[0], "error", None)
    assert isinstance(cause, RuntimeFailure)
    assert str(cause).startswith("the URL that was given: not a runtime; use ")


def test_room_options_hear_at_16_khz_and_feed_text_to_the_model() -> None:
    options = interject.room_options(load_profile("default"))
    assert isinstance(options.audio_input, AudioInputOptions)
    assert options.audio_input.sample_rate == 16_000
    assert options.audio_input.auto_gain_control is False
    assert isinstance(options.text_input, TextInputOptions)
    assert options.text_input.text_input_cb is on_text
    assert options.close_on_disconnect is True
    assert options.audio_output is NOT_GIVEN


def test_a_profile_that_only_shows_publishes_no_track_and_stays() -> None:
    options = interject.room_options(load_profile("call_center_copilot"))
    assert options.audio_output is False
    assert options.close_on_disconnect is False


async def test_a_mode_other_than_speak_shuts_the_outputs() -> None:
    session = interject.session(FakeRuntime(), tts=None, mode=FloorMode.ASSIST)
    assert not session.output.audio_enabled
    assert not session.output.transcription_enabled


def test_the_plugin_is_registered_once() -> None:
    register()
    found = [p for p in Plugin.registered_plugins if isinstance(p, InterjectPlugin)]
    assert len(found) == 1
    assert found[0].package == "interject"


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        interject.Nothing  # noqa: B018


@pytest.mark.timeout(400)
@pytest.mark.parametrize("script", [WITHOUT_TORCH, PRELOADED], ids=["no torch", "preloaded"])
def test_a_job_process_imports_no_torch_and_in_a_call_nothing_of_ours(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=390,
    )
    assert done.returncode == 0, done.stderr


def test_the_example_is_short_and_runs() -> None:
    example = ROOT / "examples" / "livekit_agent.py"
    assert len(example.read_text(encoding="utf-8").splitlines()) < 30
    done = subprocess.run(
        [sys.executable, str(example), "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("argument", "value", "says"),
    [
        ("threshold", -1, "threshold: a number from 0 to 1, not -1"),
        ("threshold", float("nan"), "threshold: a number from 0 to 1, not nan"),
        ("speech_dbfs", 40, "speech_dbfs: a number from -100 to 0, not 40"),
        ("mode", "shout", "mode: one of observe, assist, speak, not 'shout'"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_made(
    argument: str, value: Any, says: str
) -> None:
    for make in (interject.RealtimeModel, interject.session):
        with pytest.raises(ValueError, match=f"^{says}$"):
            make(**{argument: value})


def test_what_talks_over_the_agent_has_a_level_and_a_time() -> None:
    with pytest.raises(ValueError, match=r"^level_dbfs: a number from -100 to 0, not 40$"):
        interject.TalkOver(level_dbfs=40)
    with pytest.raises(ValueError, match=r"^hold_ms: "):
        interject.TalkOver(hold_ms=-1)


def test_the_room_takes_a_profile_by_its_name_as_the_session_does() -> None:
    assert interject.room_options("default") == interject.room_options(load_profile("default"))
    assert interject.room_options("podcast_producer").audio_output is False
    with pytest.raises(ProfileError):
        interject.room_options("defualt")
