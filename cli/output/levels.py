"""Loudness, frame by frame."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import FRAME_SAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOOR_DBFS = -99.0
KEPT_FRAMES = 256


def level_dbfs(samples: NDArray[np.int16]) -> float:
    """RMS relative to full scale; digital silence reads `FLOOR_DBFS`."""
    if not samples.size:
        return FLOOR_DBFS
    power = float(np.mean(np.square(samples.astype(np.float64) / 32_768.0)))
    return max(FLOOR_DBFS, 10.0 * math.log10(power)) if power > 0.0 else FLOOR_DBFS


class LevelMeter:
    """Keeps the level of each frame until its decision has come, at most `KEPT_FRAMES` of them."""

    def __init__(self) -> None:
        self._partial: list[NDArray[np.int16]] = []
        self._partial_samples = 0
        self._next_seq = 0
        self._levels: dict[int, float] = {}

    def hear(self, samples: NDArray[np.int16]) -> None:
        while samples.size:
            room = FRAME_SAMPLES - self._partial_samples
            self._partial.append(samples[:room])
            self._partial_samples += len(samples[:room])
            samples = samples[room:]
            if self._partial_samples == FRAME_SAMPLES:
                self._close_frame()

    def take(self, seq: int) -> float:
        """The level of frame `seq`, once; the frame being filled counts as far as it goes."""
        if seq == self._next_seq and self._partial:
            self._close_frame()
        return self._levels.pop(seq, FLOOR_DBFS)

    def _close_frame(self) -> None:
        self._levels[self._next_seq] = level_dbfs(np.concatenate(self._partial))
        self._levels.pop(self._next_seq - KEPT_FRAMES, None)
        self._next_seq += 1
        self._partial.clear()
        self._partial_samples = 0
