"""A sink on a scene's own time that knows from when to when the agent was heard."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from interject.agent.sinks import TimelineSink
from interject.model_runtime.protocol import SAMPLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

GRAIN_S = 1e-3


class SceneSink(TimelineSink):
    """`first_heard_s` and `heard_until_s` are seconds of the scene. `written_at` is when, by the
    clock, the first sound was there: before that the agent could not be heard.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(self._heard)
        self.first_heard_s: float | None = None
        self.heard_until_s = 0.0
        self.written_at: float | None = None
        self._clock = clock
        self._written_until_s = 0.0

    async def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        if self.written_at is None:
            self.written_at = self._clock()
        await super().write(pcm, sample_rate_hz)
        self._written_until_s = self._end_s

    async def clear(self) -> None:
        await super().clear()
        self._written_until_s = self.heard_until_s

    def is_heard(self, now_s: float) -> bool:
        """Whether the agent is in the middle of something."""
        begun = self.first_heard_s is not None and self.first_heard_s <= now_s
        return begun and self._written_until_s > now_s + GRAIN_S

    def _heard(self, start_s: float, pcm: bytes, sample_rate_hz: int) -> None:
        if self.first_heard_s is None:
            self.first_heard_s = start_s
        self.heard_until_s = start_s + len(pcm) // SAMPLE_BYTES / sample_rate_hz
