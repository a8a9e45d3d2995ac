"""From blocks as they come to 16 kHz mono, with everything odd on the way counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.agent.resample import Resampler
from interject.cli.process.failures import InputFailure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.cli.input.sources import RawBlock

CANCELLED = (
    "the channels cancel each other out, so next to nothing of them was heard; "
    "keep one: ffmpeg -i IN -af 'pan=mono|c0=c0' OUT"
)


class MonoConverter:
    """For one stream: a source may change its rate or channels on the way."""

    def __init__(self) -> None:
        self._resampler: Resampler | None = None
        self._nonfinite_before = 0
        self._clipped_before = 0
        self._cancelled_before = False

    @property
    def nonfinite_samples(self) -> int:
        now = self._resampler.report().nonfinite_samples if self._resampler else 0
        return self._nonfinite_before + now

    @property
    def clipped_samples(self) -> int:
        now = self._resampler.report().clipped_samples if self._resampler else 0
        return self._clipped_before + now

    @property
    def cancelled(self) -> bool:
        now = self._resampler.report().cancelled if self._resampler else False
        return self._cancelled_before or now

    def push(self, block: RawBlock) -> NDArray[np.int16]:
        channels = block.samples.shape[1]
        tail = np.zeros(0, dtype=np.int16)
        known = self._resampler
        if known and (known.rate_hz, known.channels) != (block.rate_hz, channels):
            tail = self.finish()
        if self._resampler is None:
            self._resampler = _resampler(block.rate_hz, channels)
        return np.concatenate([tail, self._resampler.push(block.samples)])

    def finish(self) -> NDArray[np.int16]:
        """What the filter still held."""
        if self._resampler is None:
            return np.zeros(0, dtype=np.int16)
        tail = self._resampler.finish()
        report = self._resampler.report()
        self._nonfinite_before += report.nonfinite_samples
        self._clipped_before += report.clipped_samples
        self._cancelled_before |= report.cancelled
        self._resampler = None
        return tail

    def notices(self) -> list[str]:
        notices = []
        if self.nonfinite_samples:
            notices.append(f"{self.nonfinite_samples} NaN or infinite samples became silence")
        if self.clipped_samples:
            notices.append(f"{self.clipped_samples} samples were louder than full scale; clipped")
        if self.cancelled:
            notices.append(CANCELLED)
        return notices


def _resampler(rate_hz: int, channels: int) -> Resampler:
    try:
        return Resampler(rate_hz, channels)
    except ValueError as exc:
        raise InputFailure(f"this sound cannot be heard: {exc}") from exc
