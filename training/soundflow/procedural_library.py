"""The sounds of `training.sounds`, made anew each time one is drawn."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import SAMPLE_RATE_HZ, Emotion
from interject.training.acoustics import background
from interject.training.soundflow.silence_audit import RespondCriterion, audited
from interject.training.soundflow.sound_library import ClipRole, SoundClip, SoundMeaning
from interject.training.sounds.catalogue import make_sound
from interject.training.streams.span import SoundSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from interject.training.sounds.waves import Rng

LICENCE = "Apache-2.0"
BED_S = 20
NOISE_BED = "steady_noise"


def _event(label: str, name: str, *, is_countable: bool = False) -> SoundMeaning:
    return SoundMeaning(label, name, is_countable=is_countable)


def _alarm(
    label: str, name: str, criterion: RespondCriterion, reply: str,
    emotion: Emotion = Emotion.URGENT, *, is_clear: bool = True,
) -> SoundMeaning:  # fmt: skip
    audit = audited(criterion, is_clear=is_clear)
    return SoundMeaning(label, name, audit=audit, reply=reply, emotion=emotion)


MEANINGS = {
    meaning.label: meaning
    for meaning in (
        _alarm("smoke_alarm", "a smoke alarm", RespondCriterion.SAFETY_CRITICAL,
               "That is a smoke alarm. Please leave the building and call the fire brigade."),
        _alarm("glass", "glass breaking", RespondCriterion.EQUIPMENT_DAMAGE,
               "I heard glass break. Mind the splinters. Is everybody all right?"),
        _alarm("siren", "a siren", RespondCriterion.SAFETY_CRITICAL,
               "I hear a siren close by. Please make way and look where it comes from."),
        _alarm("crash", "a crash", RespondCriterion.EQUIPMENT_DAMAGE,
               "That was a loud crash. Is anybody hurt?"),
        _alarm("crying", "somebody crying", RespondCriterion.PHYSIOLOGICAL_DISTRESS,
               "I hear somebody crying. What has happened?", Emotion.SAD),
        _alarm("cough", "somebody coughing", RespondCriterion.PHYSIOLOGICAL_DISTRESS,
               "That cough sounds bad. Drink something warm, and see a doctor if it stays.",
               Emotion.SAD),
        _alarm("kettle", "a kettle", RespondCriterion.SAFETY_CRITICAL,
               "The kettle boils.", is_clear=False),
        _event("beep", "a beep", is_countable=True),
        _event("bark", "a dog barking", is_countable=True),
        _event("knock", "a knock", is_countable=True),
        _event("telephone", "a telephone ringing"),
        _event("microwave", "a microwave beeping"),
        _event("clap", "clapping"),
        _event("laugh", "laughter"),
        _event("keyboard", "typing"),
        _event("birds", "birds"),
        _event("footsteps", "footsteps"),
        _event("doorbell", "a doorbell"),
        _event("music", "music"),
        _event("drill", "a drill"),
        SoundMeaning("engine", "an engine", ClipRole.BED),
        SoundMeaning("rain", "rain", ClipRole.BED),
        SoundMeaning("water", "running water", ClipRole.BED),
        SoundMeaning(NOISE_BED, "steady noise", ClipRole.BED),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProceduralLibrary:
    """`held_out` draws the sound models that training never uses."""

    held_out: bool = False

    @property
    def meanings(self) -> Mapping[str, SoundMeaning]:
        return MEANINGS

    def draw(self, label: str, rng: Rng) -> SoundClip:
        if label == NOISE_BED:
            wave = background(rng, BED_S * SAMPLE_RATE_HZ)
        else:
            wave = make_sound(label, rng, held_out=self.held_out)
        digest = hashlib.sha256(wave.tobytes()).hexdigest()
        return SoundClip(label, wave, SoundSource(f"interject synthesis, {label}", LICENCE, digest))
