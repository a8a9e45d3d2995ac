"""The voice of a deployment that never makes a sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.agent.voice.base import SpokenChunk
    from interject.model_runtime.protocol import Emotion

NO_SOUND: tuple[SpokenChunk, ...] = ()


class SilentVoice:
    """Reads the text to its end and yields nothing."""

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    async def speak(self, text: AsyncIterator[str], emotion: Emotion) -> AsyncIterator[SpokenChunk]:
        async for _ in text:
            pass
        for chunk in NO_SOUND:
            yield chunk

    async def aclose(self) -> None:
        return
