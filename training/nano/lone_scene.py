"""A stream in which little happens: one short thing, a long pause, and most of it asks nothing.

Most of what a microphone hears is of this kind, and streams that are full of requests teach a model
that whatever stands alone is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.acoustics import decibels
from interject.training.nano.language import HELP, INTENTS, spoken_prompts
from interject.training.nano.recorded_stock import SPEECH_RMS
from interject.training.nano.scene import Style
from interject.training.nano.scene_builder import SceneBuilder
from interject.training.nano.speech_bank import ISOLATED, NEAR_MISS, UNRELATED
from interject.training.soundflow.tapers import tapered
from interject.training.sounds.waves import uniform
from interject.training.speech.utterance import PHONE_STEP_S, Utterance

if TYPE_CHECKING:
    from interject.training.nano.scene import Stock
    from interject.training.sounds.waves import Rng, Wave

_REQUESTS = frozenset(spoken_prompts())
_MOST_WORDS = 3
_LONGEST_GAP_S = 7.0
_SOUNDS_ONLY = 0.6
"""Of the share of recordings: of these streams, those in which one sound follows another."""
_TAPER_SAMPLES = 160
"""Without a taper a cut would be heard as a click, which only talk to leave alone has."""


class LoneSceneBuilder(SceneBuilder):
    """About one in four of its happenings wants a reply."""

    def __init__(self, stock: Stock, rng: Rng, chunks: int, style: Style = Style.LONE) -> None:
        super().__init__(stock, rng, chunks, style)
        self._at = int(uniform(rng, 0.1, 3.0) * SAMPLE_RATE_HZ)
        self._level_db = uniform(rng, -20, 6)
        self._pause_s = uniform(rng, 0.8, 2.8)
        self._sounds_only = self._is_recorded(_SOUNDS_ONLY)

    def step(self) -> None:
        if self._sounds_only:
            self._one_sound()
            return
        choice = self._rng.random()
        if choice < 0.12:
            self._request(str(self._rng.choice([request.key for request in INTENTS])))
        elif choice < 0.15:
            self._request(HELP.key)
        elif choice < 0.26:
            self._alarming()
        elif choice < 0.45:
            self._ordinary()
        elif choice < 0.63:
            self._word()
        elif choice < 0.77 and self.overhear(short=self._rng.random() < 0.5):
            return
        elif choice < 0.88:
            self._fragment()
        else:
            self._talk()

    def _one_sound(self) -> None:
        """What is answered beside what is like it and is not, often: neither is plentiful."""
        choice = self._rng.random()
        if choice < 0.35:
            self._alarming()
        elif choice < 0.9:
            self._ordinary()
        else:
            self._word()

    def gap_s(self) -> float:
        if self._sounds_only:
            return 0.45 + float(self._rng.exponential(0.7))
        return min(0.8 + float(self._rng.exponential(self._pause_s)), _LONGEST_GAP_S)

    def beneath(self, count: int) -> Wave:
        """Often next to nothing, sometimes nothing at all."""
        choice = self._rng.random()
        if choice < 0.1:
            return np.zeros(count, np.float32)
        if choice < 0.4:
            level = SPEECH_RMS * decibels(-uniform(self._rng, 40, 65))
            return self._stock.background(self._rng, count) * level
        return super().beneath(count)

    def _word(self) -> None:
        """What people say alone, or where nobody was asked to, a word or two of a sentence."""
        if self._stock.knows(ISOLATED):
            self.speak(ISOLATED, None)
        else:
            self._fragment()

    def _fragment(self) -> None:
        """A few words in a row of something that asks nothing; whole where words are unknown."""
        key = NEAR_MISS if self._rng.random() < self._stock.shares.near_miss else UNRELATED
        self._say(key, few_words(self._stock.utterance(key, self._rng), self._rng), None)


def few_words(said: Utterance, rng: Rng) -> Utterance:
    """Cut at the ends of words; the whole where nothing else is left that asks nothing."""
    words = said.word_ends
    if len(words) < 2:
        return said
    count = int(rng.integers(1, min(_MOST_WORDS, len(words) - 1) + 1))
    first = int(rng.integers(len(words) - count + 1))
    kept = words[first : first + count]
    start, end = words[first - 1][1] if first else 0, kept[-1][1]
    text = " ".join(word for word, _ in kept)
    if text in _REQUESTS or end - start < SAMPLE_RATE_HZ // 10:
        return said
    pcm = tapered(said.pcm[start:end].astype(np.float32), _TAPER_SAMPLES)
    low, high = (int(at / SAMPLE_RATE_HZ / PHONE_STEP_S) for at in (start, end))
    return Utterance(
        text, said.voice, np.round(pcm).astype(np.int16), said.phones[low : high + 1],
        tuple((word, at - start) for word, at in kept),
    )  # fmt: skip
