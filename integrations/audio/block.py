"""A block of sound as a platform delivers it, made ready for framing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.capture_times import CaptureTimes
from interject.agent.resample import Resampler
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from interject.model_runtime.protocol import Speaker

SILENCE_DBFS = -120.0
FULL_SCALE = 32_768.0


@dataclass(frozen=True, slots=True)
class Block:
    """16 kHz mono. `captured_at` is on the reader's clock; no `speakers`: nobody said who."""

    samples: NDArray[np.int16] = field(repr=False)
    captured_at: float
    speakers: tuple[Speaker, ...] = ()

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ

    @property
    def level_dbfs(self) -> float:
        """The loudest speaker's level, or the block's own where speakers are not known."""
        if self.speakers:
            return max(speaker.level_dbfs for speaker in self.speakers)
        if not len(self.samples):
            return SILENCE_DBFS
        power = float(np.mean(np.square(self.samples.astype(np.float64) / FULL_SCALE)))
        return max(SILENCE_DBFS, 10.0 * float(np.log10(max(power, 1e-12))))


class BlockReader:
    """Resamples, and says when each block was captured where its source does not."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._times = CaptureTimes(clock)
        self._resampler = Resampler(SAMPLE_RATE_HZ)

    def read(
        self,
        sound: NDArray[np.int16],
        *,
        rate_hz: int,
        channels: int = 1,
        captured_at: float | None = None,
        speakers: tuple[Speaker, ...] = (),
    ) -> Block:
        """`sound` is interleaved where it has several channels.

        :raises ValueError: when the rate or the number of channels make no sense.
        """
        if (rate_hz, channels) != (self._resampler.rate_hz, self._resampler.channels):
            self._resampler = Resampler(rate_hz, channels)
        duration_s = len(sound) // channels / rate_hz
        return Block(
            samples=self._resampler.push(sound),
            captured_at=self._times.of(duration_s) if captured_at is None else captured_at,
            speakers=speakers,
        )
