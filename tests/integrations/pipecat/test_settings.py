"""What a user may set of the service, and what he is told when it makes no sense."""

from __future__ import annotations

from typing import Any

import pytest

from interject.config import NoVoice, Profile, ProfileError
from interject.integrations.pipecat.llm_service import InterjectLLMService
from interject.integrations.pipecat.requirement import require_pipecat
from interject.integrations.pipecat.settings import profile_with, settings_of
from interject.integrations.pipecat.tts_service import InterjectTTSService
from interject.model_runtime.protocol import RuntimeFailure

Settings, Voice = InterjectLLMService.Settings, InterjectTTSService.Settings


@pytest.fixture
def profile() -> Profile:
    return Profile(name="kitchen", system_prompt="You hear a kitchen.", threshold=0.7)


def test_what_is_not_given_is_the_profiles_own(profile: Profile) -> None:
    held = settings_of(profile)
    assert set(held.given_fields()) >= {"threshold", "mode", "interruptions"}
    assert (held.threshold, held.mode, held.model) == (0.7, "speak", "kitchen")
    assert profile_with(profile, held) == profile


def test_what_is_given_wins(profile: Profile) -> None:
    held = settings_of(profile)
    held.apply_update(
        Settings(
            threshold=0.9, mode="observe", unprompted_per_minute=None, temperature=0.5,
            max_tokens=64, system_instruction="Be brief.",
        )
    )  # fmt: skip
    served = profile_with(profile, held)
    assert (served.threshold, served.mode, served.reply.max_tokens) == (0.9, "observe", 64)
    assert served.reply.unprompted_per_minute is None
    assert served.sampling.temperature == 0.5
    assert served.system_prompt == "You hear a kitchen.\n\nBe brief."


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(threshold=1.5), "threshold"),
        (Settings(mode="loud"), "mode"),
        (Settings(unprompted_per_minute=-1), "unprompted_per_minute"),
        (Settings(temperature=-1.0), "temperature"),
        (Settings(max_tokens=0), "max_tokens"),
        (Settings(interruptions="always"), "interruptions: one of never, decision, talk_over"),
    ],
)
def test_a_setting_out_of_its_range_is_one_line(
    profile: Profile, settings: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        InterjectLLMService(profile=profile, settings=settings)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(model="nano"), "model: it has no effect here; the URL of `runtime` names"),
        (Settings(frequency_penalty=1.0), "frequency_penalty: it has no effect here"),
        (Settings(filter_incomplete_user_turns=True), "filter_incomplete_user_turns"),
    ],
)
def test_a_setting_without_effect_is_named(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InterjectLLMService(settings=settings)


@pytest.mark.parametrize(
    ("runtime", "message"),
    [
        ("nano", "nano: not a runtime; use embedded:nano"),
        ("http://x", "not a runtime"),
        ("local:nanno", "nanno: there is no such model; name nano, or the directory"),
        ("local:", "local:: there is no such model"),
        ("embedded:nano?devise=cpu", "'devise': no setting of a model's URL"),
    ],
)
def test_a_runtime_that_cannot_be_is_told_before_a_call(runtime: str, message: str) -> None:
    with pytest.raises(RuntimeFailure, match=message):
        InterjectLLMService(runtime=runtime)


@pytest.mark.parametrize("runtime", ["local:nano", "local:unix:/nobody.sock", "redis://nowhere"])
def test_one_that_may_be_is_opened_with_the_pipeline(runtime: str) -> None:
    assert InterjectLLMService(runtime=runtime).agent is None


def test_an_argument_that_nobody_looks_at_is_refused() -> None:
    arguments: dict[str, Any] = {"profil": "default"}
    with pytest.raises(TypeError, match="there is no argument 'profil'; did you mean 'profile'"):
        InterjectLLMService(**arguments)
    assert InterjectLLMService(name="agent").name == "agent"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"voice": "nope"}, ValueError, "voice: give the section of a profile"),
        ({"rate": 3}, TypeError, "InterjectTTSService: there is no argument 'rate'"),
        ({"settings": Voice(voice="x")}, ValueError, "voice: it has no effect here; give the arg"),
        ({"settings": Voice(emotion="glum")}, ValueError, "emotion: one of happy, sad"),
    ],
)
def test_a_voice_that_cannot_be_is_told_at_once(
    given: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as refused:
        InterjectTTSService(**given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("found", [None, "1.10.0", "0.0.99", "2.0.0", "1.x"])
def test_another_pipecat_is_told_with_the_one_that_is_needed(found: str | None) -> None:
    with pytest.raises(ImportError, match=r"needs pipecat-ai 1\.14 or a later 1, and") as refused:
        require_pipecat(found)
    assert "pip install 'interject[pipecat]'" in str(refused.value)


@pytest.mark.parametrize("found", ["1.14.0", "1.14.0rc1", "1.20"])
def test_one_of_those_that_are_needed_will_do(found: str) -> None:
    require_pipecat(found)


def test_a_profile_that_is_not_there_is_said_with_its_like() -> None:
    with pytest.raises(ProfileError, match="did you mean 'meeting_assistant'"):
        InterjectLLMService(profile="meeting-assistant")


def test_no_voice_is_no_service() -> None:
    with pytest.raises(ValueError, match="leave the TTS service out"):
        InterjectTTSService(voice=NoVoice(engine="none"))
