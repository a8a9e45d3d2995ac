"""Any rate and any number of channels to 16 kHz mono, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000
MAX_CHANNELS = 64
INT16_SCALE = 32_768.0
CANCELLED_POWER = 0.01
"""What a mix keeps at least of its channels' mean power (-20 dB); 64 unlike ones keep 1/64."""


@dataclass(frozen=True, slots=True)
class ResampleReport:
    """`nonfinite_samples` were NaN or infinite and became silence; `clipped_samples` were louder
    than full scale after mixing and became full scale. `cancelled` channels were one another's
    opposite, so that next to nothing is left in the mix.
    """

    input_frames: int
    output_samples: int
    nonfinite_samples: int
    clipped_samples: int
    cancelled: bool


class Resampler:
    """Mixes the channels evenly and resamples. One stream each, since the filter has a memory.

    :raises ValueError: when rate or channel count make no sense.
    """

    def __init__(self, rate_hz: int, channels: int = 1) -> None:
        if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            raise ValueError(
                f"a sample rate of {rate_hz} Hz is outside {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz"
            )
        if not 1 <= channels <= MAX_CHANNELS:
            raise ValueError(f"{channels} channels; 1 to {MAX_CHANNELS} can be mixed")
        self.rate_hz = rate_hz
        self.channels = channels
        self._stream = _stream(rate_hz)
        self._input_frames = 0
        self._output_samples = 0
        self._nonfinite = 0
        self._clipped = 0
        self._power = self._mixed_power = 0.0

    def push(self, block: NDArray[Any]) -> NDArray[np.int16]:
        """Take `[frames]` or `[frames, channels]` of float (full scale 1.0), int16 or int32.

        Interleaved samples of several channels in one dimension are taken as well.

        :raises ValueError: when the block has another shape or type.
        """
        frames = self._shaped(block)
        self._input_frames += len(frames)
        return self._convert(self._mono(frames), last=False)

    def finish(self) -> NDArray[np.int16]:
        """What the filter still held."""
        return self._convert(np.zeros(0, np.float32), last=True)

    def report(self) -> ResampleReport:
        return ResampleReport(
            self._input_frames,
            self._output_samples,
            self._nonfinite,
            self._clipped,
            self._mixed_power < CANCELLED_POWER * self._power,
        )

    def _shaped(self, block: NDArray[Any]) -> NDArray[Any]:
        if block.ndim == 1 and block.size % self.channels == 0:
            return block.reshape(-1, self.channels)
        if block.ndim == 2 and block.shape[1] == self.channels:
            return block
        raise ValueError(
            f"a block of shape {block.shape} does not hold {self.channels} channel(s); "
            "expected [frames] or [frames, channels]"
        )

    def _mono(self, frames: NDArray[Any]) -> NDArray[np.float32]:
        samples = _to_float(frames)
        bad = ~np.isfinite(samples)
        if bad.any():
            self._nonfinite += int(bad.sum())
            samples = np.where(bad, np.float32(0), samples)
        mixed = samples.mean(axis=1, dtype=np.float64)
        if self.channels > 1:
            self._power += float(np.square(samples, dtype=np.float64).sum()) / self.channels
            self._mixed_power += float(np.square(mixed).sum())
        return np.asarray(mixed, np.float32)

    def _convert(self, mono: NDArray[np.float32], *, last: bool) -> NDArray[np.int16]:
        resampled = mono if self._stream is None else self._stream.resample_chunk(mono, last=last)
        scaled = np.rint(resampled.astype(np.float64) * INT16_SCALE)
        self._clipped += int(((scaled > 32_768) | (scaled < -32_768)).sum())
        self._output_samples += len(scaled)
        return np.clip(scaled, -32_768, 32_767).astype(np.int16)


def _stream(rate_hz: int) -> Any:
    if rate_hz == SAMPLE_RATE_HZ:
        return None
    return soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="HQ")


def _to_float(frames: NDArray[Any]) -> NDArray[np.float32]:
    if frames.dtype == np.int16:
        return frames.astype(np.float32) / np.float32(INT16_SCALE)
    if frames.dtype == np.int32:
        return (frames.astype(np.float64) / 2**31).astype(np.float32)
    if frames.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            return frames.astype(np.float32)
    raise ValueError(f"samples of type {frames.dtype}; expected float, int16 or int32")
