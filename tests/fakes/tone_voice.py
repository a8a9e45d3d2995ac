from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.training.speech.speech_voice import SpokenText, WordTimes
from interject.training.speech.word_alignment import spoken_words
from interject.training.streams.span import TimedWord

if TYPE_CHECKING:
    import random

WORD_S, GAP_S = 0.2, 0.05


@dataclass(frozen=True, slots=True)
class ToneVoice:
    """Says a tone of 0.2 s for every word, and 0.05 s of nothing between two."""

    hz: float
    name: str = "tone"
    licence: str = "CC0-1.0"

    def say(self, text: str, attempt: int = 0) -> SpokenText:
        words = spoken_words(text)
        tone = 0.5 * np.sin(2 * np.pi * self.hz * np.arange(round(WORD_S * 16_000)) / 16_000)
        piece = np.concatenate((tone, np.zeros(round(GAP_S * 16_000)))).astype(np.float32)
        pcm = np.tile(piece, len(words))[: -round(GAP_S * 16_000)]
        ends = [number * (WORD_S + GAP_S) + WORD_S for number in range(len(words))]
        timed = tuple(TimedWord(word, end_s) for word, end_s in zip(words, ends, strict=True))
        return SpokenText(text, pcm, timed, WordTimes.SYNTHESISER, self.name, self.licence)


def tone_voice(rng: random.Random) -> ToneVoice:
    return ToneVoice(rng.uniform(150, 400))
