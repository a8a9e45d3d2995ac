"""The numbers of composition, published and our own. `docs/training.md` says which is which."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from interject.config.strict import StrictModel
from interject.training.soundflow.gap_texture import GapTexture
from interject.training.soundflow.telephone.codec import LineCodec
from interject.training.soundflow.tfjp import PUBLISHED
from interject.training.soundflow.tfjp_settings import TfjpSettings
from interject.training.streams.ability import Ability

K = TypeVar("K")


def _as_tuple(value: object) -> object:
    """YAML has no tuples."""
    return tuple(value) if isinstance(value, list) else value


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise PydanticCustomError("order", "the first number is larger than the second")
    return bounds


def _some(weights: dict[K, float]) -> dict[K, float]:
    if not any(weights.values()):
        raise PydanticCustomError("weights", "one weight at least must be above 0")
    return weights


Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1e6)]
Decibels = Annotated[float, Field(ge=-100, le=100)]
Seconds = Annotated[float, Field(ge=0, le=600)]
Loose = Field(strict=False)
"""A name in YAML is a text, and becomes a member of its enum."""
DecibelRange = Annotated[
    tuple[Decibels, Decibels], BeforeValidator(_as_tuple), AfterValidator(_rising)
]
SecondsRange = Annotated[
    tuple[Seconds, Seconds], BeforeValidator(_as_tuple), AfterValidator(_rising)
]
ShareRange = Annotated[tuple[Share, Share], BeforeValidator(_as_tuple), AfterValidator(_rising)]


ABILITY_PERCENT = {
    Ability.VOICE_CHAT: 23.1,
    Ability.STREAMING_INSTRUCTION: 20.8,
    Ability.AUDIO_UNDERSTANDING: 16.4,
    Ability.TRANSLATION: 15.3,
    Ability.REAL_TIME_ASR: 11.6,
    Ability.PROACTIVE: 7.3,
    Ability.ENVIRONMENT_AGENT: 5.5,
}
"""StreamAudio-2M's shares."""
GAP_TEXTURES = {
    GapTexture.PUBLISHED: 1.0,
    GapTexture.NOISE: 2.0,
    GapTexture.DIGITAL_ZERO: 1.0,
    GapTexture.HISS: 1.0,
}
CODECS = {
    LineCodec.MULAW: 1.0,
    LineCodec.ALAW: 1.0,
    LineCodec.AMR_NB: 1.0,
    LineCodec.OPUS: 1.0,
}


class LayerSettings(StrictModel):
    """How loud what is heard is. A clip of background or ambient is brought to `reference_db`
    beside the speech, then to one of `gains_db` beside that.
    """

    gains_db: Annotated[
        tuple[Decibels, ...], BeforeValidator(_as_tuple), Field(min_length=1, max_length=16)
    ] = (0.0, -6.0, -12.0)
    reference_db: Decibels = -10.0
    background_a_minute: Annotated[
        tuple[Weight, Weight], BeforeValidator(_as_tuple), AfterValidator(_rising)
    ] = (0.0, 4.0)
    ambient_share: Share = 0.5
    speech_dbfs: DecibelRange = (-33.0, -20.0)
    speaker_db: DecibelRange = (-4.0, 4.0)
    foreground_db: DecibelRange = (-6.0, 3.0)
    tfjp_keeps: Share = 0.25
    """A clip of which TFJP would leave less of the energy goes in as it is, with its tapers."""


class NoiseSettings(StrictModel):
    """Two noise tracks under everything. SNR2 is drawn from `snr2_db`, and `snr2_more_db` added."""

    snr1_db: DecibelRange = (5.0, 20.0)
    snr2_db: DecibelRange = (5.0, 20.0)
    snr2_more_db: Decibels = 5.0
    crossfade_s: Annotated[float, Field(gt=0, le=5)] = 0.2
    clips: Annotated[int, Field(ge=1, le=100)] = 8
    enough_s: Seconds = 12.0
    """Of a track's label clips are drawn until they last so long, `clips` of them at most. They are
    repeated in turn."""
    gap_textures: Annotated[dict[Annotated[GapTexture, Loose], Weight], AfterValidator(_some)] = (
        Field(default_factory=GAP_TEXTURES.copy)
    )
    gap_depth_db: DecibelRange = (18.0, 30.0)
    hiss_depth_db: DecibelRange = (45.0, 65.0)


class RoomSimulation(StrictModel):
    """A stream's room, in `share` of the streams, and a microphone's colour in all of them."""

    share: Share = 0.6
    reverberation_s: Annotated[
        tuple[Seconds, Seconds], BeforeValidator(_as_tuple), AfterValidator(_rising)
    ] = (0.12, 0.7)
    colour_db: Annotated[float, Field(ge=0, le=30)] = 4.0


class PhoneChannel(StrictModel):
    """A telephone between the room and us, in `share` of the streams."""

    share: Share = 0.3
    low_hz: Annotated[float, Field(ge=20, le=1_000)] = 300.0
    high_hz: Annotated[float, Field(ge=2_000, le=3_900)] = 3_400.0
    codecs: Annotated[dict[Annotated[LineCodec, Loose], Weight], AfterValidator(_some)] = Field(
        default_factory=CODECS.copy
    )
    lossy_share: Share = 0.5
    loss: ShareRange = (0.0, 0.05)
    burst_packets: Annotated[
        tuple[Weight, Weight], BeforeValidator(_as_tuple), AfterValidator(_rising)
    ] = (1.0, 4.0)


class LabelSettings(StrictModel):
    """When is answered: in the chunk in which the end, and the lag drawn for the stream, lies."""

    decision_lag_s: Annotated[
        tuple[Seconds, Seconds], BeforeValidator(_as_tuple), AfterValidator(_rising)
    ] = (0.12, 0.24)


class MixInSettings(StrictModel):
    """Bernoulli, once a stream."""

    history_review: Share = 0.30
    silence: Share = 0.40
    proactive: Share = 0.30


class OverlapSettings(StrictModel):
    """Of the turns that can have one. Whatever overlaps begins on the grid of 400 ms."""

    barge_in: Share = 0.15
    backchannel: Share = 0.15
    pause: Share = 0.15
    pause_chunks: Annotated[int, Field(ge=1, le=10)] = 4
    """The longest one."""
    cross_talk: Share = 0.1
    cross_talk_db: DecibelRange = (-15.0, -6.0)


class OwnVoiceSettings(StrictModel):
    """In `share` of the streams the agent hears what it says, so much quieter than people."""

    share: Share = 0.3
    level_db: DecibelRange = (-30.0, -10.0)
    delay_s: SecondsRange = (0.1, 0.6)


class SpeechSettings(StrictModel):
    """`recorded_share` of the texts are recordings, of kinds of which there are some of both."""

    recorded_share: Share = 0.3


class PaceSettings(StrictModel):
    """How a stream passes. People wait until a reply is over, or they do not."""

    rounds: Annotated[
        tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(le=50)]],
        BeforeValidator(_as_tuple), AfterValidator(_rising),
    ] = (3, 6)  # fmt: skip
    begin_s: SecondsRange = (0.3, 2.0)
    gap_s: SecondsRange = (0.4, 2.5)
    waits_share: Share = 0.7
    reply_chars_a_s: Annotated[float, Field(gt=1, le=100)] = 15.0
    longest_s: Annotated[float, Field(ge=5, le=3_600)] = 120.0


class ComposerSettings(StrictModel):
    """`abilities` are weights."""

    abilities: Annotated[dict[Annotated[Ability, Loose], Weight], AfterValidator(_some)] = Field(
        default_factory=ABILITY_PERCENT.copy
    )
    tfjp: TfjpSettings = PUBLISHED
    mix_ins: MixInSettings = MixInSettings()
    layers: LayerSettings = LayerSettings()
    noise: NoiseSettings = NoiseSettings()
    room: RoomSimulation = RoomSimulation()
    telephone: PhoneChannel = PhoneChannel()
    labels: LabelSettings = LabelSettings()
    speech: SpeechSettings = SpeechSettings()
    overlaps: OverlapSettings = OverlapSettings()
    own_voice: OwnVoiceSettings = OwnVoiceSettings()
    pace: PaceSettings = PaceSettings()

    @model_validator(mode="after")
    def _bursts_are_possible(self) -> ComposerSettings:
        if self.telephone.burst_packets[0] < 1:
            raise PydanticCustomError("burst", "telephone.burst_packets begins below 1")
        if self.telephone.loss[1] > 0.5:
            raise PydanticCustomError("loss", "telephone.loss goes beyond 0.5")
        return self
