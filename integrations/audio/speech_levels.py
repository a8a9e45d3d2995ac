"""When somebody begins to speak and when he has stopped, as far as loudness tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.audio.block import Block

HOLD_MS = 100.0
HUSH_S = 0.6


class SpeechLevels:
    """A slammed door counts, too: nothing that the agent does depends on it."""

    def __init__(
        self, level_dbfs: float, on_change: Callable[[bool], None], clock: Callable[[], float]
    ) -> None:
        self._level_dbfs = level_dbfs
        self._on_change = on_change
        self._clock = clock
        self._loud_ms = 0.0
        self._loud_at_s = 0.0
        self._speaking = False

    def hear(self, block: Block) -> None:
        passed_ms = block.duration_s * 1_000.0
        if block.level_dbfs < self._level_dbfs:
            self._loud_ms = max(0.0, self._loud_ms - passed_ms)
            return
        self._loud_ms = min(HOLD_MS, self._loud_ms + passed_ms)
        self._loud_at_s = self._clock()
        if not self._speaking and self._loud_ms >= HOLD_MS:
            self._change(True)

    def tick(self) -> None:
        """A muted track delivers no block, and yet he has stopped."""
        if self._speaking and self._clock() - self._loud_at_s >= HUSH_S:
            self.stop()

    def stop(self) -> None:
        self._loud_ms = 0.0
        if self._speaking:
            self._change(False)

    def _change(self, speaking: bool) -> None:
        self._speaking = speaking
        self._on_change(speaking)
