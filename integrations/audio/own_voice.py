"""What the agent says, as it goes out to those who hear it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LONGEST_S = 120.0
"""More speech than this is not queued up before it is heard."""
KEPT_S = 4.0
"""What went out longer ago is forgotten."""


class OwnVoice:
    """16 kHz mono on the clock: each sample at the moment when it goes out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._samples = np.zeros(0, np.int16)
        self._starts_at = self._now()
        self.heard_until_s = -KEPT_S

    def say(self, samples: NDArray[np.int16]) -> None:
        """It follows what is still being said, or begins now."""
        now = self._now()
        pause = max(0, now - self._end)
        if pause > KEPT_S * SAMPLE_RATE_HZ:
            self._samples, self._starts_at, pause = np.zeros(0, np.int16), now, 0
        self._forget(now - round(KEPT_S * SAMPLE_RATE_HZ))
        room = max(0, now + round(LONGEST_S * SAMPLE_RATE_HZ) - self._end - pause)
        self._samples = np.concatenate((self._samples, np.zeros(pause, np.int16), samples[:room]))
        self.heard_until_s = self._end / SAMPLE_RATE_HZ

    def stop(self) -> None:
        """What has not gone out by now never will."""
        self._samples = self._samples[: max(0, self._now() - self._starts_at)]
        self.heard_until_s = min(self.heard_until_s, self._clock())

    def at(self, time_s: float, count: int) -> NDArray[np.int16]:
        """What went out in `count` samples from a moment on; silence where nothing is known."""
        offset = round(time_s * SAMPLE_RATE_HZ) - self._starts_at
        out = np.zeros(count, np.int16)
        part = self._samples[max(0, offset) : max(0, offset + count)]
        begin = max(0, -offset)
        out[begin : begin + len(part)] = part
        return out

    @property
    def _end(self) -> int:
        return self._starts_at + len(self._samples)

    def _now(self) -> int:
        return round(self._clock() * SAMPLE_RATE_HZ)

    def _forget(self, before: int) -> None:
        past = min(max(0, before - self._starts_at), len(self._samples))
        self._samples, self._starts_at = self._samples[past:], self._starts_at + past
