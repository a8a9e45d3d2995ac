"""The voices that a profile may name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from interject.config.lists import Phrases
from interject.config.strict import StrictModel

EmotionName = Literal["happy", "sad", "angry", "surprise", "urgent"]
FolderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
READY_PHRASES = ("One moment.", "Yes.", "No.", "I am sorry.", "I did not hear that.")


class EspeakVoice(StrictModel):
    """espeak-ng through its library: no network, no account.

    `name` is a voice of `espeak-ng --voices`; `pitch` is espeak's own scale, where 50 is neutral.
    """

    engine: Literal["espeak"] = "espeak"
    name: str = Field(default="en-gb", min_length=1)
    rate_wpm: int = Field(default=170, ge=80, le=450)
    pitch: int = Field(default=50, ge=0, le=100)
    volume: int = Field(default=100, ge=0, le=200)


class NeuralVoice(StrictModel):
    """A voice that a network on this machine makes; `interject voice list` shows which are there.

    `model` is a folder's name among the installed voices, and `name` a speaker of it; empty takes
    the first. `emotion_names` lets another speaker say replies of an emotion. `phrases` are
    synthesised beforehand, and ready at once. Without the model or its library espeak-ng speaks,
    as `espeak` says, and a line in the log tells why; `espeak: null` refuses instead.
    """

    name: str = Field(default="", max_length=100)
    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    volume: float = Field(default=1.0, ge=0, le=2)
    emotion_names: dict[EmotionName, str] = Field(default={})
    phrases: Phrases = Field(default=READY_PHRASES, strict=False)
    espeak: EspeakVoice | None = EspeakVoice()


class PiperVoice(NeuralVoice):
    """`variation` is how freely Piper draws melody and tempo: 0 says the same alike each time."""

    engine: Literal["piper"]
    model: FolderName = "en_GB-cori-medium"
    variation: float = Field(default=1.0, ge=0, le=1.5)


class KokoroVoice(NeuralVoice):
    engine: Literal["kokoro"]
    model: FolderName = "kokoro-82m"
    name: str = Field(default="af_heart", max_length=100)


class AutoVoice(StrictModel):
    """The installed natural voice that suits `language` best, Piper's first: they begin sooner.

    Without one, espeak-ng.
    """

    engine: Literal["auto"]
    language: str = Field(default="en-gb", pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})*$")
    espeak: EspeakVoice = EspeakVoice()


class OpenAIVoice(StrictModel):
    """Any server that speaks `POST {base_url}/audio/speech` with `response_format: pcm`.

    The key itself never stands in a profile: `api_key_env` names the environment variable that
    holds it, and an empty name sends no key. `emotion_instructions` sends the emotion as
    `instructions`, which only some models accept.
    """

    engine: Literal["openai"]
    base_url: str = Field(pattern=r"^https?://[^\s/]+")
    model: str = Field(default="tts-1", min_length=1)
    name: str = Field(default="alloy", min_length=1)
    api_key_env: str = Field(default="", pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")
    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    sample_rate_hz: int = Field(default=24_000, ge=8_000, le=48_000)
    connect_timeout_s: float = Field(default=3.0, gt=0, le=60)
    read_timeout_s: float = Field(default=10.0, gt=0, le=120)
    emotion_instructions: bool = False


class NoVoice(StrictModel):
    """No sound at all: replies are posted or shown as cues."""

    engine: Literal["none"]


VoiceSettings = Annotated[
    EspeakVoice | PiperVoice | KokoroVoice | AutoVoice | OpenAIVoice | NoVoice,
    Field(discriminator="engine"),
]
