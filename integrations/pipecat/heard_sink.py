"""The `AudioSink` beside a pipeline's voice, which tells only what has been heard already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import SAMPLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class HeardSink:
    """What is written to it has been played elsewhere. `interrupt` silences the pipeline."""

    def __init__(self, interrupt: Callable[[], Awaitable[None]]) -> None:
        self._interrupt = interrupt
        self._position = 0

    @property
    def position_samples(self) -> int:
        return self._position

    def begin(self, at_s: float) -> None:
        """The pipeline has its own time."""

    async def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        self._position += len(pcm) // SAMPLE_BYTES

    async def drain(self) -> None:
        """Nothing is held."""

    async def clear(self) -> None:
        await self._interrupt()

    def advance(self, to_s: float) -> None:
        """The pipeline has its own time."""
