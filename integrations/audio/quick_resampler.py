"""To 16 kHz without waiting for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray


class QuickResampler:
    """FFmpeg's, which holds back 2 ms. The one of files (`agent.resample`) computes in blocks: of
    8 kHz it lets out 100 ms at a time, and nothing in between.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._resampler = _fresh()
        self._holds = False

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        if self._rate_hz == SAMPLE_RATE_HZ or not len(samples):
            return samples
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = self._rate_hz
        self._holds = True
        return self._made(frame)

    def finish(self) -> NDArray[np.int16]:
        """What it still holds back; what is pushed after this has nothing to do with it."""
        if not self._holds:
            return np.zeros(0, np.int16)
        self._holds = False
        rest = self._made(None)
        self._resampler = _fresh()
        return rest

    def _made(self, frame: av.AudioFrame | None) -> NDArray[np.int16]:
        made = [part.to_ndarray()[0] for part in self._resampler.resample(frame)]
        return np.concatenate(made) if made else np.zeros(0, np.int16)


def _fresh() -> av.AudioResampler:
    return av.AudioResampler("s16", "mono", SAMPLE_RATE_HZ)
