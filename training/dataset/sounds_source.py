"""The recipe `sounds`: synthesised sounds in a faint room, and what to say of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from interject.config.strict import StrictModel
from interject.model_runtime.protocol import SAMPLE_RATE_HZ, Emotion
from interject.training.sounds.alarming import ALARMING
from interject.training.sounds.catalogue import make_sound
from interject.training.sounds.counted import COUNTED
from interject.training.sounds.ordinary import ORDINARY
from interject.training.streams.ability import Ability
from interject.training.streams.span import Layer, SoundSource, StreamSpan
from interject.training.streams.stream import TrainingStream
from interject.training.streams.turn import StreamTurn, response_chunk

if TYPE_CHECKING:
    from interject.training.sounds.waves import Rng, Wave

LICENCE = "Apache-2.0"
HISS = 0.003
"""Standard deviation of the room's noise; full scale is 1."""
TAIL_S = 0.8
Positive = Annotated[float, Field(gt=0)]


class SoundsSettings(StrictModel):
    """`counting_share` of the streams ask for counting; in the others alarming sounds are answered
    and ordinary ones are not. `gap_s` lies between two sounds, `decision_lag_s` behind each.
    """

    least_sounds: Annotated[int, Field(ge=1, le=20)] = 2
    most_sounds: Annotated[int, Field(ge=1, le=20)] = 5
    least_gap_s: Annotated[Positive, Field(le=60)] = 0.8
    most_gap_s: Annotated[Positive, Field(le=60)] = 4.0
    alarming_share: Annotated[float, Field(ge=0, le=1)] = 0.4
    counting_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    decision_lag_s: Annotated[float, Field(ge=0, le=0.4)] = 0.0
    held_out: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> SoundsSettings:
        if self.least_sounds > self.most_sounds:
            raise PydanticCustomError("order", "'least_sounds' is more than 'most_sounds'")
        if self.least_gap_s > self.most_gap_s:
            raise PydanticCustomError("order", "'least_gap_s' is more than 'most_gap_s'")
        return self


@dataclass(frozen=True, slots=True)
class SoundsSource:
    """A `StreamSource` that needs nothing but this package."""

    settings: SoundsSettings

    def make(self, number: int, seed: int) -> TrainingStream:
        rng = np.random.default_rng((seed, number))
        counting = rng.random() < self.settings.counting_share
        kinds = self._counted(rng) if counting else self._mixed(rng)
        pieces, spans = self._placed(kinds, rng)
        sound = np.concatenate(pieces)
        sound = np.clip(sound + rng.normal(0.0, HISS, len(sound)).astype(np.float32), -1, 1)
        return TrainingStream(
            stream_id=f"sounds-{number:08d}",
            ability=Ability.AUDIO_UNDERSTANDING if counting else Ability.PROACTIVE,
            sound=sound.astype(np.float32),
            turns=self._turns(spans, counting=counting),
            spans=spans,
            seed=seed,
            system_prompt=f"Count aloud each {kinds[0]} that you hear." if counting else None,
        )

    def _counted(self, rng: Rng) -> list[str]:
        kind = sorted(COUNTED)[int(rng.integers(len(COUNTED)))]
        return [kind] * self._how_many(rng)

    def _mixed(self, rng: Rng) -> list[str]:
        alarming, ordinary = sorted(ALARMING), sorted({**ORDINARY, **COUNTED})
        share = self.settings.alarming_share
        groups = [
            alarming if rng.random() < share else ordinary for _ in range(self._how_many(rng))
        ]
        return [group[int(rng.integers(len(group)))] for group in groups]

    def _how_many(self, rng: Rng) -> int:
        return int(rng.integers(self.settings.least_sounds, self.settings.most_sounds + 1))

    def _placed(self, kinds: list[str], rng: Rng) -> tuple[list[Wave], tuple[StreamSpan, ...]]:
        pieces: list[Wave] = []
        spans: list[StreamSpan] = []
        at = 0
        for kind in kinds:
            gap = rng.uniform(self.settings.least_gap_s, self.settings.most_gap_s)
            wave = make_sound(kind, rng, held_out=self.settings.held_out)
            pieces += [np.zeros(round(gap * SAMPLE_RATE_HZ), np.float32), wave]
            at += len(pieces[-2])
            spans.append(_span(kind, at, wave))
            at += len(wave)
        pieces.append(np.zeros(round(TAIL_S * SAMPLE_RATE_HZ), np.float32))
        return pieces, tuple(spans)

    def _turns(self, spans: tuple[StreamSpan, ...], *, counting: bool) -> tuple[StreamTurn, ...]:
        turns: list[StreamTurn] = []
        before_s, last = 0.0, -1
        for number, span in enumerate(spans, start=1):
            reply = f"{number}." if counting else _warning(span.label)
            chunk = None
            if reply:
                lag_s = self.settings.decision_lag_s
                chunk = last = max(response_chunk(span.end_s, decision_lag_s=lag_s), last + 1)
            emotion = Emotion.URGENT if reply and not counting else Emotion.NORMAL
            turns.append(StreamTurn(before_s, span.end_s, "", reply, emotion, span.label, chunk))
            before_s = span.end_s
        return tuple(turns)


def _warning(kind: str) -> str:
    return f"I hear {kind.replace('_', ' ')}. Is everything all right?" if kind in ALARMING else ""


def _span(kind: str, at: int, wave: Wave) -> StreamSpan:
    digest = hashlib.sha256(wave.tobytes()).hexdigest()
    return StreamSpan(
        layer=Layer.FOREGROUND,
        label=kind,
        start_s=at / SAMPLE_RATE_HZ,
        end_s=(at + len(wave)) / SAMPLE_RATE_HZ,
        source=SoundSource(f"interject.training.sounds, {kind}", LICENCE, digest),
    )
