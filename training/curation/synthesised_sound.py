"""Procedural sounds, for events that no recording fits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.acoustics import background
from interject.training.curation.sound_index import terms
from interject.training.sounds.catalogue import make_sound
from interject.training.streams.span import SoundSource

if TYPE_CHECKING:
    from interject.training.curation.curation_settings import CurationSettings
    from interject.training.sounds.waves import Wave

LICENCE = "Apache-2.0"
STEADY_NOISE = "steady_noise"
PEAK = 0.6
MOST_BED_S = 20.0
BETWEEN_S = 0.15
"""Repetitions are apart, yet one event."""
WORDS = {
    "smoke_alarm": "smoke fire alarm detector carbon monoxide",
    "glass": "glass window breaking shatter smash bottle",
    "siren": "siren ambulance police emergency",
    "crash": "crash collision accident collapse impact",
    "crying": "crying cry sobbing weeping baby infant",
    "cough": "cough coughing",
    "beep": "beep bleep chime",
    "bark": "bark dog barking woof",
    "knock": "knock knocking rap",
    "telephone": "telephone phone ringtone ringing",
    "microwave": "microwave oven timer",
    "kettle": "kettle boiling whistle",
    "clap": "clap clapping applause",
    "laugh": "laugh laughter laughing giggle chuckle",
    "keyboard": "keyboard typing typewriter",
    "engine": "engine motor car vehicle traffic truck",
    "rain": "rain rainfall drizzle shower",
    "birds": "bird birds birdsong chirp tweet cuckoo",
    "footsteps": "footstep footsteps walking steps gravel",
    "doorbell": "doorbell buzzer",
    "music": "music song drums chords melody",
    "water": "water stream river pouring tap faucet",
    "drill": "drill drilling saw power tool",
    STEADY_NOISE: "room tone hum ventilation fan static hiss noise air conditioning",
}
_TERMS = {kind: frozenset(terms(words)) for kind, words in WORDS.items()}
_SINGLE = frozenset({"glass", "crash"})
"""What happens once is not repeated to fill its time."""


@dataclass(frozen=True, slots=True)
class SynthesisedSound:
    """`tags` are those of the kind."""

    kind: str
    wave: Wave = field(repr=False)
    source: SoundSource
    tags: tuple[str, ...]


def kind_of(text: str) -> str | None:
    """The kind that shares most words with it; None where none shares any."""
    words = set(terms(text))
    best = max(_TERMS, key=lambda kind: len(_TERMS[kind] & words))
    return best if _TERMS[best] & words else None


def words_of(kind: str) -> frozenset[str]:
    return frozenset(WORDS[kind].split())


def synthesise(
    kind: str, rough_s: float, seed: int, settings: CurationSettings
) -> SynthesisedSound:
    """The draw whose length is nearest to the planned one, repeated where it is far shorter."""
    rng = np.random.default_rng(seed)
    if kind == STEADY_NOISE:
        noise = background(rng, round(min(rough_s, MOST_BED_S) * SAMPLE_RATE_HZ))
        wave = noise * np.float32(PEAK / np.abs(noise).max())
    else:
        draws = [make_sound(kind, rng) for _ in range(settings.synthesis_draws)]
        wave = min(draws, key=lambda draw: abs(np.log(len(draw) / SAMPLE_RATE_HZ / rough_s)))
        if kind not in _SINGLE:
            wave = _repeated(wave, min(rough_s, MOST_BED_S))
    return SynthesisedSound(
        kind, wave, source_of(kind, wave), (kind.replace("_", " "), *sorted(words_of(kind)))
    )


def _repeated(wave: Wave, rough_s: float) -> Wave:
    """The same again and again, until most of the planned time is filled."""
    gap = np.zeros(round(BETWEEN_S * SAMPLE_RATE_HZ), np.float32)
    pieces, wanted = [wave], 0.7 * rough_s * SAMPLE_RATE_HZ
    while sum(map(len, pieces)) < wanted:
        pieces += [gap, wave]
    return np.concatenate(pieces)


def source_of(kind: str, wave: Wave) -> SoundSource:
    return SoundSource(f"interject synthesis, {kind}", LICENCE, sha256_of(wave))


def sha256_of(wave: Wave) -> str:
    return hashlib.sha256(wave.tobytes()).hexdigest()
