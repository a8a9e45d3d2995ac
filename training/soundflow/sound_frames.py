"""A sound in frames that do not overlap; the last one may be shorter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import rfft

from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave

_NO_ENTROPY = np.float32(0.01)
"""What a pure tone counts as, so that nothing is divided by zero."""


def in_samples(ms: float) -> int:
    return max(1, round(ms * SAMPLE_RATE_HZ / 1_000))


def framed(wave: Wave, size: int) -> Wave:
    """[frames, size]; zeros behind the end."""
    count = -(-len(wave) // size)
    padded = np.zeros(count * size, np.float32)
    padded[: len(wave)] = wave
    return padded.reshape(count, size)


def energies(wave: Wave, size: int) -> Wave:
    """The mean power of each frame, of the last one over the samples that it has."""
    frames = framed(wave, size)
    lengths = np.full(len(frames), size)
    if len(wave) % size:
        lengths[-1] = len(wave) % size
    power: Wave = np.einsum("fs,fs->f", frames, frames) / lengths.astype(np.float32)
    return power


def spectral_entropies(wave: Wave, size: int) -> Wave:
    """Of each frame: near 0 for a tone, 1 for a flat spectrum and for digital silence."""
    window = np.hanning(size + 2)[1:-1].astype(np.float32)
    power = np.abs(rfft(framed(wave, size) * window, axis=1)) ** 2
    total = power.sum(axis=1, keepdims=True)
    share = np.divide(power, total, out=np.zeros_like(power), where=total > 0)
    bits = -np.sum(share * np.log2(share, out=np.zeros_like(share), where=share > 0), axis=1)
    entropy = np.where(total[:, 0] > 0, bits / np.log2(max(2, power.shape[1])), 1.0)
    return np.maximum(entropy.astype(np.float32), _NO_ENTROPY)
