"""espeak-ng and flite as voices of a dialogue."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.voice.espeak_library import EspeakTone
from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.speech.speech_voice import SpokenText, WordTimes
from interject.training.speech.steady_espeak import shared_espeak
from interject.training.speech.utterance import SynthesisError
from interject.training.speech.voice_transform import (
    PLAIN,
    VoiceTransform,
    random_transform,
    transformed,
)
from interject.training.speech.voices import ENGLISH, FLITE_TRAINING, VARIANTS, speak_flite
from interject.training.speech.word_alignment import aligned, spoken_words
from interject.training.streams.span import TimedWord

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave
    from interject.training.speech.speech_voice import SpeechVoice

FULL_SCALE = np.float32(32_768)
VOLUME = 100
FLITE_SHARE, TRANSFORMED_SHARE = 0.2, 0.5
SLOWER = 0.9
"""What each further attempt does to the speed."""
UNCLAIMED = "none claimed (synthesised speech)"
FLITE_LICENCE = "BSD-like (Carnegie Mellon University)"


@dataclass(frozen=True, slots=True)
class EspeakSpeech:
    """`voice` is a language with a variant (`en-us+f3`). The times of words are espeak's own."""

    voice: str = "en-us"
    words_per_min: int = 165
    pitch: int = 50
    pitch_range: int = 50
    transform: VoiceTransform = PLAIN
    seed: int = 0
    licence: str = UNCLAIMED

    @property
    def name(self) -> str:
        return f"espeak-ng {self.voice}"

    def say(self, text: str, attempt: int = 0) -> SpokenText:
        words_per_min = int(self.words_per_min / self.transform.pitch * SLOWER**attempt)
        tone = EspeakTone(words_per_min, self.pitch, self.pitch_range, VOLUME)
        said = shared_espeak().speak(sayable(text, self.name), self.voice, tone)
        changed = transformed(said, self.transform, random.Random(self.seed))
        words = tuple(TimedWord(w, end / SAMPLE_RATE_HZ) for w, end in changed.word_ends)
        wave = changed.pcm.astype(np.float32) / FULL_SCALE
        return SpokenText(text, wave, words, WordTimes.SYNTHESISER, self.name, self.licence)


@dataclass(frozen=True, slots=True)
class FliteSpeech:
    """flite gives phones but no words: their times are aligned by energy."""

    voice: str = "kal16"
    stretch: float = 1.0
    pitch_hz: float = 0.0
    transform: VoiceTransform = PLAIN
    seed: int = 0
    licence: str = FLITE_LICENCE

    @property
    def name(self) -> str:
        return f"flite {self.voice}"

    def say(self, text: str, attempt: int = 0) -> SpokenText:
        stretch = self.stretch * self.transform.pitch / SLOWER**attempt
        said = speak_flite(
            sayable(text, self.name), self.voice, stretch=stretch, pitch_hz=self.pitch_hz
        )
        changed = transformed(said, self.transform, random.Random(self.seed))
        return aligned_speech(text, changed.pcm.astype(np.float32) / FULL_SCALE, self)


def sayable(text: str, voice: str) -> str:
    """:raises SynthesisError: when there is nothing to say."""
    if not spoken_words(text):
        raise SynthesisError(f"{voice} was given a text without a word")
    return text


def aligned_speech(text: str, wave: Wave, voice: SpeechVoice) -> SpokenText:
    """What a voice said, with the times that its sound tells."""
    words, word_times = aligned(text, wave)
    return SpokenText(text, wave, words, word_times, voice.name, voice.licence)


def random_local_voice(rng: random.Random) -> SpeechVoice:
    """As nano's recipe takes them: espeak-ng mostly, the same voice for as often as it is asked."""
    seed = rng.getrandbits(32)
    if rng.random() < FLITE_SHARE:
        pitch = _octaves(rng, 0.85, 1.6)
        return FliteSpeech(
            rng.choice(FLITE_TRAINING), rng.uniform(0.8, 1.25), rng.uniform(75, 200),
            random_transform(rng, pitch=pitch), seed,
        )  # fmt: skip
    language, variant = rng.choice(ENGLISH), rng.choice(VARIANTS)
    transform = PLAIN
    if rng.random() < TRANSFORMED_SHARE:
        transform = random_transform(rng, pitch=_octaves(rng, 0.85, 1.2))
    return EspeakSpeech(
        f"{language}+{variant}" if variant else language, rng.randint(120, 220),
        rng.randint(10, 90), rng.randint(20, 90), transform, seed,
    )  # fmt: skip


def _octaves(rng: random.Random, low: float, high: float) -> float:
    return float(low * (high / low) ** rng.random())
