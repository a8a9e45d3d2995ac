"""espeak-ng in this process: speech with the times of its words and phonemes."""

from __future__ import annotations

import numpy as np

from interject.agent.voice.base import VoiceFailure
from interject.agent.voice.espeak_library import EspeakTone, Synthesis, shared_library
from interject.training.speech.phones import UNKNOWN_PHONE, phone_id
from interject.training.speech.utterance import SynthesisError, Utterance, trimmed

_VOLUME = 100


class Espeak:
    """:raises SynthesisError: when the library or its data is missing."""

    def __init__(self) -> None:
        try:
            self._library = shared_library()
        except VoiceFailure as error:
            raise SynthesisError(
                "libespeak-ng or its voice data is missing: install espeak-ng"
            ) from error

    def speak(
        self, text: str, voice: str, *, words_per_min: int, pitch: int, pitch_range: int = 50
    ) -> Utterance:
        """:raises SynthesisError: when the voice does not exist."""
        said = Synthesis()
        tone = EspeakTone(words_per_min, pitch, pitch_range, _VOLUME)
        try:
            self._library.synthesise(text, voice=voice, tone=tone, into=said)
        except VoiceFailure as error:
            raise SynthesisError(str(error)) from error
        pcm, rate_hz = np.frombuffer(said.pcm, np.int16), self._library.sample_rate_hz
        english = voice.startswith("en")
        return trimmed(
            text, voice, pcm, rate_hz,
            [(ms / 1_000, phone_id(n) if english else UNKNOWN_PHONE) for ms, n in said.phones],
            _word_ends(text, said, len(pcm) / rate_hz) if english else [],
        )  # fmt: skip


def _word_ends(text: str, said: Synthesis, length_s: float) -> list[tuple[str, float]]:
    """A word lasts until the next one begins."""
    ends = [word.at_ms / 1_000 for word in said.words[1:]] + [length_s]
    words = [text[w.first_char : w.first_char + w.length_chars].lower() for w in said.words]
    return [(word, end) for word, end in zip(words, ends, strict=False) if word]
