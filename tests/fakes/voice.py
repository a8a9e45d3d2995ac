"""A voice that needs no library: every character lasts equally long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.agent.voice.base import SpokenChunk, VoiceFailure
from interject.agent.voice.clauses import clauses
from interject.agent.voice.words import time_words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.protocol import Emotion

LEVEL = 8_000


class FakeVoice:
    """By default 10 characters a second at 16 kHz. `fails_after` clauses it breaks down."""

    def __init__(
        self,
        *,
        samples_per_char: int = 1_600,
        sample_rate_hz: int = 16_000,
        fails_after: int | None = None,
    ) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.emotions: list[Emotion] = []
        self.texts: list[str] = []
        self._samples_per_char = samples_per_char
        self._fails_after = fails_after

    async def speak(self, text: AsyncIterator[str], emotion: Emotion) -> AsyncIterator[SpokenChunk]:
        self.emotions.append(emotion)
        at, count = 0, 0
        async for clause in clauses(text):
            if count == self._fails_after:
                raise VoiceFailure("the fake voice broke down")
            count += 1
            self.texts.append(clause.text)
            length = len(clause.text) * self._samples_per_char
            words = time_words(clause, start_sample=at, length_samples=length)
            yield SpokenChunk(np.full(length, LEVEL, "<i2").tobytes(), words)
            at += length

    async def aclose(self) -> None:
        return
