"""espeak-ng as a voice: a clause is spoken in a few milliseconds, on this machine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.agent.voice.base import SpokenChunk
from interject.agent.voice.clauses import clauses
from interject.agent.voice.espeak_library import (
    EspeakLibrary,
    EspeakTone,
    Synthesis,
    shared_library,
)
from interject.agent.voice.level import with_headroom
from interject.agent.voice.words import time_words
from interject.model_runtime.protocol import SAMPLE_BYTES, Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.agent.voice.clauses import Clause
    from interject.config import EspeakVoice

MAX_ESPEAK_VOLUME = 80
"""Above it espeak-ng clips peaks itself; what is louder is made so afterwards, with headroom."""
MIN_RATE_WPM, MAX_RATE_WPM = 80, 450
NEUTRAL_RANGE = 50


@dataclass(frozen=True, slots=True)
class _Shift:
    """How an emotion changes the neutral tone."""

    rate: float = 1.0
    pitch: int = 0
    pitch_range: int = 0
    volume: float = 1.0


SHIFTS = {
    Emotion.NORMAL: _Shift(),
    Emotion.HAPPY: _Shift(rate=1.08, pitch=10, pitch_range=20, volume=1.05),
    Emotion.SAD: _Shift(rate=0.82, pitch=-12, pitch_range=-25, volume=0.85),
    Emotion.ANGRY: _Shift(rate=1.12, pitch=-6, pitch_range=25, volume=1.3),
    Emotion.SURPRISE: _Shift(rate=1.05, pitch=18, pitch_range=30, volume=1.1),
    Emotion.URGENT: _Shift(rate=1.25, pitch=12, pitch_range=10, volume=1.4),
}


def tone_for(settings: EspeakVoice, emotion: Emotion) -> EspeakTone:
    shift = SHIFTS[emotion]
    return EspeakTone(
        rate_wpm=min(MAX_RATE_WPM, max(MIN_RATE_WPM, round(settings.rate_wpm * shift.rate))),
        pitch=min(100, max(0, settings.pitch + shift.pitch)),
        pitch_range=min(100, max(0, NEUTRAL_RANGE + shift.pitch_range)),
        volume=min(MAX_ESPEAK_VOLUME, volume_for(settings, emotion)),
    )


def volume_for(settings: EspeakVoice, emotion: Emotion) -> int:
    """On espeak-ng's scale, where 100 is normal."""
    return min(200, max(0, round(settings.volume * SHIFTS[emotion].volume)))


class EspeakSpeaker:
    """:raises VoiceFailure: when libespeak-ng or the named voice is missing."""

    def __init__(self, settings: EspeakVoice, library: EspeakLibrary | None = None) -> None:
        self._settings = settings
        self._library = library or shared_library()
        self._library.executor.submit(self._library.choose_voice, settings.name).result()

    @property
    def sample_rate_hz(self) -> int:
        return self._library.sample_rate_hz

    async def speak(self, text: AsyncIterator[str], emotion: Emotion) -> AsyncIterator[SpokenChunk]:
        tone = tone_for(self._settings, emotion)
        gain = max(1.0, volume_for(self._settings, emotion) / MAX_ESPEAK_VOLUME)
        spoken_samples = 0
        async for clause in clauses(text):
            chunk = await self._speak_clause(clause, tone, gain, spoken_samples)
            spoken_samples += len(chunk.pcm) // SAMPLE_BYTES
            yield chunk

    async def _speak_clause(
        self, clause: Clause, tone: EspeakTone, gain: float, start_sample: int
    ) -> SpokenChunk:
        synthesis = Synthesis()
        job = asyncio.get_running_loop().run_in_executor(
            self._library.executor,
            lambda: self._library.synthesise(
                clause.text, voice=self._settings.name, tone=tone, into=synthesis
            ),
        )
        try:
            await job
        finally:
            synthesis.stop.set()
        pcm = with_headroom(bytes(synthesis.pcm), gain)
        per_ms = self.sample_rate_hz / 1_000
        words = time_words(
            clause,
            start_sample=start_sample,
            length_samples=len(pcm) // SAMPLE_BYTES,
            anchors=[(word.first_char, int(word.at_ms * per_ms)) for word in synthesis.words],
        )
        return SpokenChunk(pcm, words)

    async def aclose(self) -> None:
        """The library stays loaded: other sessions of this process may be speaking."""
