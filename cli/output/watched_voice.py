"""Tells whether a voice is at work, so that a file waits for it like a room would."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from interject.agent.voice import SpokenChunk, Voice
    from interject.model_runtime.protocol import Emotion


class WatchedVoice:
    """A `Voice` around another; `on_idle` is called when a reply has been made into sound."""

    def __init__(self, voice: Voice, on_idle: Callable[[], None]) -> None:
        self._voice = voice
        self._on_idle = on_idle
        self.busy = False

    @property
    def sample_rate_hz(self) -> int:
        return self._voice.sample_rate_hz

    async def speak(self, text: AsyncIterator[str], emotion: Emotion) -> AsyncIterator[SpokenChunk]:
        self.busy = True
        speech = cast("AsyncGenerator[SpokenChunk, None]", self._voice.speak(text, emotion))
        try:
            async with aclosing(speech) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self.busy = False
            self._on_idle()

    async def aclose(self) -> None:
        await self._voice.aclose()
