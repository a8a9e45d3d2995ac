"""Speech taken apart into an envelope and a source, frame by frame, and put together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.fft import irfft, rfft

from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave

Spectra = np.ndarray[Any, np.dtype[np.complex64]]
FRAME, HOP = 512, 128
WHITE_LEVEL = np.float32((FRAME / 2) ** 0.5)
"""What a frame of white noise of RMS 1 has in every bin."""
_LIFTER = 32
"""In samples of quefrency: longer than the vocal tract rings, shorter than a pitch period."""
_WINDOW = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)
_FLOOR = np.float32(1e-5)
_LOW_BINS, _HIGH_BINS = slice(3, 32), slice(96, 256)


def analyse(wave: Wave) -> Spectra:
    """[frames, bins], a frame every 8 ms."""
    frames = -(-len(wave) // HOP) + 3
    padded = np.zeros((frames - 1) * HOP + FRAME, np.float32)
    padded[FRAME - HOP : FRAME - HOP + len(wave)] = wave
    cut = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    spectra: Spectra = rfft(cut * _WINDOW, axis=1)
    return spectra


def synthesise(spectra: Spectra, count: int) -> Wave:
    """The first `count` samples of what `analyse` took apart."""
    pieces = (irfft(spectra, FRAME, axis=1) * _WINDOW * np.float32(0.5)).astype(np.float32)
    quarters = pieces.reshape(len(pieces), FRAME // HOP, HOP)
    out = np.zeros((len(pieces) + FRAME // HOP - 1, HOP), np.float32)
    for quarter in range(FRAME // HOP):
        out[quarter : quarter + len(pieces)] += quarters[:, quarter]
    return out.reshape(-1)[FRAME - HOP : FRAME - HOP + count]


def envelope(spectra: Spectra) -> Wave:
    """Logarithm of the smooth part of each spectrum, by its cepstrum."""
    cepstra = irfft(np.log(np.abs(spectra) + _FLOOR), FRAME, axis=1)
    cepstra[:, _LIFTER : FRAME - _LIFTER + 1] = 0
    smooth: Wave = rfft(cepstra, axis=1).real.astype(np.float32)
    return smooth


def moved(envelopes: Wave, factor: float) -> Wave:
    """Formants at `factor` times their frequency: a shorter vocal tract when above one."""
    bins = envelopes.shape[1]
    where = np.clip(np.arange(bins) / factor, 0, bins - 1.001)
    low = where.astype(int)
    share = (where - low).astype(np.float32)
    shifted: Wave = envelopes[:, low] * (1 - share) + envelopes[:, low + 1] * share
    return shifted


def steadied(envelopes: Wave, frames: int) -> Wave:
    """Averaged over neighbours, as statistical synthesisers do."""
    padded = np.pad(envelopes, ((frames // 2, frames - 1 - frames // 2), (0, 0)), mode="edge")
    total = np.cumsum(np.pad(padded, ((1, 0), (0, 0))), axis=0)
    mean: Wave = ((total[frames:] - total[:-frames]) / frames).astype(np.float32)
    return mean


def voicing(spectra: Spectra) -> Wave:
    """0 (hiss) to 1 (voice) for every frame, from where its energy lies."""
    power = np.abs(spectra) ** 2
    low, high = (power[:, bins].sum(axis=1) + _FLOOR for bins in (_LOW_BINS, _HIGH_BINS))
    voiced: Wave = (1 / (1 + (high / low) ** 2)).astype(np.float32)
    return voiced


def pulses(line_hz: Wave) -> Wave:
    """A train of pulses of RMS 1 that follows a pitch, one value a sample."""
    phase = np.cumsum(line_hz, dtype=np.float64) / SAMPLE_RATE_HZ
    starts = np.flatnonzero(np.diff(np.floor(phase), prepend=0.0))
    train = np.zeros(len(line_hz), np.float32)
    train[starts] = np.sqrt(SAMPLE_RATE_HZ / line_hz[starts])
    return train
