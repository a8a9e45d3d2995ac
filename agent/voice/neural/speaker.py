"""A natural voice, clause by clause: one is heard while the next ones are synthesised."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from interject.agent.voice.clauses import ClauseSplitter, clauses
from interject.agent.voice.level import with_headroom
from interject.agent.voice.neural.rendering import Manner
from interject.config import PiperVoice
from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable

    from interject.agent.voice.base import SpokenChunk
    from interject.agent.voice.clauses import Clause
    from interject.agent.voice.neural.rendering import Rendering
    from interject.agent.voice.neural.speech_model import SpeechModel
    from interject.config import KokoroVoice

MOST_AHEAD = 2
"""Clauses that are ready before they are heard."""


@dataclass(frozen=True, slots=True)
class _Colour:
    """How an emotion changes speed and loudness; `variation` is how lively the melody is."""

    speed: float = 1.0
    gain: float = 1.0
    variation: float = 1.0


COLOURS = {
    Emotion.NORMAL: _Colour(),
    Emotion.HAPPY: _Colour(1.06, 1.05, 1.2),
    Emotion.SAD: _Colour(0.85, 0.8, 0.7),
    Emotion.ANGRY: _Colour(1.08, 1.3, 1.1),
    Emotion.SURPRISE: _Colour(1.04, 1.1, 1.3),
    Emotion.URGENT: _Colour(1.2, 1.4, 1.0),
}


def manner_for(settings: PiperVoice | KokoroVoice, emotion: Emotion) -> Manner:
    colour = COLOURS[emotion]
    names = {str(name): speaker for name, speaker in settings.emotion_names.items()}
    variation = settings.variation if isinstance(settings, PiperVoice) else 1.0
    return Manner(
        speaker=names.get(emotion.value, settings.name),
        speed=round(settings.speed * colour.speed, 3),
        variation=round(variation * colour.variation, 3),
    )


class NeuralSpeaker:
    """:raises VoiceFailure: when the model has no such speaker."""

    def __init__(
        self,
        settings: PiperVoice | KokoroVoice,
        model: SpeechModel,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._model = model
        self._clock = clock
        for emotion in Emotion:
            model.network.language_of(manner_for(settings, emotion).speaker)

    @property
    def sample_rate_hz(self) -> int:
        return self._model.sample_rate_hz

    async def speak(self, text: AsyncIterator[str], emotion: Emotion) -> AsyncIterator[SpokenChunk]:
        manner = manner_for(self._settings, emotion)
        gain = COLOURS[emotion].gain * self._settings.volume
        ahead: asyncio.Queue[tuple[Clause, Rendering] | Exception | None]
        ahead = asyncio.Queue(MOST_AHEAD)
        task = asyncio.create_task(self._synthesise(text, manner, ahead), name="voice")
        start_sample = 0
        try:
            while (item := await ahead.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                clause, rendering = item
                chunk = rendering.chunk(clause, start_sample)
                start_sample += rendering.samples
                yield replace(chunk, pcm=with_headroom(chunk.pcm, gain))
        finally:
            task.cancel()
            await asyncio.wait({task})

    def prepare(self, phrases: Iterable[str]) -> None:
        """Have phrases ready in the normal manner; returns at once."""
        splitter = ClauseSplitter()
        found = [c for phrase in phrases for c in [*splitter.push(phrase), *splitter.finish()]]
        texts = [clause.text.strip() for clause in found]
        self._model.prepare(filter(None, texts), manner_for(self._settings, Emotion.NORMAL))

    async def aclose(self) -> None:
        """The model stays loaded: other sessions of this process may be speaking."""

    async def _synthesise(
        self,
        text: AsyncIterator[str],
        manner: Manner,
        ahead: asyncio.Queue[tuple[Clause, Rendering] | Exception | None],
    ) -> None:
        begun_s: float | None = None
        spoken_s = 0.0
        try:
            async with aclosing(cast("AsyncGenerator[Clause, None]", clauses(text))) as pieces:
                async for clause in pieces:
                    if not clause.text.strip():
                        continue
                    begun_s = self._clock() if begun_s is None else begun_s
                    due_s = max(self._clock(), begun_s + spoken_s)
                    rendering = await self._render(clause.text.strip(), manner, due_s)
                    spoken_s += rendering.samples / self.sample_rate_hz
                    await ahead.put((clause, rendering))
            await ahead.put(None)
        except Exception as error:
            await ahead.put(error)

    async def _render(self, text: str, manner: Manner, due_s: float) -> Rendering:
        ready = self._model.ready(text, manner)
        if ready is not None:
            return ready
        return await self._model.line.run(
            due_s, lambda stop: self._model.synthesise(text, manner, stop)
        )
