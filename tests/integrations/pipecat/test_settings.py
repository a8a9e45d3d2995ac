"""What a user may set of the service, and what he is told when it makes no sense."""

from __future__ import annotations

from typing import Any

import pytest

from interject.config import NoVoice, Profile, ProfileError
from interject.integrations.pipecat.llm_service import InterjectLLMService
from interject.integrations.pipecat.settings import profile_with, settings_of
from interject.integrations.pipecat.tts_service import InterjectTTSService

Settings = InterjectLLMService.Settings


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


def test_a_profile_that_is_not_there_is_said_with_its_like() -> None:
    with pytest.raises(ProfileError, match="did you mean 'meeting_assistant'"):
        InterjectLLMService(profile="meeting-assistant")


def test_no_voice_is_no_service() -> None:
    with pytest.raises(ValueError, match="leave the TTS service out"):
        InterjectTTSService(voice=NoVoice(engine="none"))
