"""What a pipeline may change of the service, and how a profile and these go together."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pipecat.services.settings import LLMSettings
from pipecat.utils.types import NOT_GIVEN, NotGiven, assert_given
from pydantic import ValidationError

from interject.config import Profile
from interject.config.problems import describe
from interject.integrations.pipecat.arguments import check_settings

LIVE = frozenset({"threshold", "mode", "unprompted_per_minute", "system_instruction"})
"""What can be changed while a pipeline runs; the rest holds from its beginning."""


SERVED = {
    *LIVE, "interruptions", "temperature", "top_p", "top_k", "seed", "max_tokens",
}  # fmt: skip
ELSEWHERE = {"model": "the URL of `runtime` names the model"}


class Interruptions(StrEnum):
    """What the service itself interrupts a reply for. Others may: a pipeline's VAD, a program.

    `decision`: the model chose silence for 400 ms in which somebody spoke; `talk_over`: somebody
    was loud for 120 ms.
    """

    NEVER = "never"
    DECISION = "decision"
    TALK_OVER = "talk_over"


@dataclass
class InterjectLLMSettings(LLMSettings):
    """`threshold`, `mode` and `unprompted_per_minute` are the profile's own where not given, and
    so are temperature, top_p, top_k, seed and max_tokens. `system_instruction` follows the
    profile's system prompt.
    """

    threshold: float | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    mode: str | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    unprompted_per_minute: int | NotGiven | None = field(default_factory=lambda: NOT_GIVEN)
    interruptions: Interruptions | str | NotGiven = field(default_factory=lambda: NOT_GIVEN)


def settings_of(profile: Profile) -> InterjectLLMSettings:
    """What holds where a pipeline says nothing."""
    return InterjectLLMSettings(
        model=profile.name,
        system_instruction=None,
        temperature=profile.sampling.temperature,
        max_tokens=profile.reply.max_tokens,
        top_p=profile.sampling.top_p,
        top_k=profile.sampling.top_k,
        frequency_penalty=None,
        presence_penalty=None,
        seed=profile.sampling.seed,
        filter_incomplete_user_turns=False,
        user_turn_completion_config=None,
        threshold=profile.threshold,
        mode=profile.mode,
        unprompted_per_minute=profile.reply.unprompted_per_minute,
        interruptions=Interruptions.NEVER,
    )


def with_given(profile: Profile, given: InterjectLLMSettings | None) -> InterjectLLMSettings:
    """:raises ValueError: for one that would have no effect."""
    held = settings_of(profile)
    if given is not None:
        check_settings(given, ELSEWHERE, SERVED)
        held.apply_update(given)
    return held


def profile_with(profile: Profile, settings: InterjectLLMSettings) -> Profile:
    """:raises ValueError: in one line, when a setting is out of its range."""
    try:
        Interruptions(str(settings.interruptions))
    except ValueError:
        known = ", ".join(Interruptions)
        raise ValueError(f"interruptions: one of {known}, not {settings.interruptions!r}") from None
    changed: dict[str, Any] = profile.model_dump()
    changed["threshold"] = settings.threshold
    changed["mode"] = settings.mode
    changed["system_prompt"] = "\n\n".join(
        filter(None, (profile.system_prompt, assert_given(settings.system_instruction)))
    )
    changed["reply"] = {
        "max_tokens": settings.max_tokens,
        "unprompted_per_minute": settings.unprompted_per_minute,
    }
    changed["sampling"] = {
        "temperature": settings.temperature,
        "top_k": settings.top_k,
        "top_p": settings.top_p,
        "seed": settings.seed,
    }
    try:
        return Profile.model_validate(changed)
    except ValidationError as error:
        raise ValueError(describe(error, Profile)) from None
