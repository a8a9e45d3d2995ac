"""How loud sound is, and how loud it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import butter, sosfilt

from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.training.soundflow.silence_cut import Mask
    from interject.training.sounds.waves import Wave

RUMBLE_HZ = 40.0
_ABOVE_RUMBLE = butter(2, RUMBLE_HZ, "highpass", fs=SAMPLE_RATE_HZ, output="sos")
SILENCE_DB = -120.0
HEADROOM = 0.95
"""No stream has a louder sample."""


def decibels_of(power: float) -> float:
    return max(SILENCE_DB, 10 * float(np.log10(max(power, 1e-30))))


def amplitude(decibels: float) -> np.float32:
    return np.float32(10 ** (decibels / 20))


def power(wave: Wave, where: Mask | None = None) -> float:
    """The mean square, over all samples or those of a mask; 0 of none."""
    heard = wave if where is None else wave[where]
    return float(np.dot(heard, heard)) / len(heard) if len(heard) else 0.0


def at_level(wave: Wave, decibels: float) -> Wave:
    """Scaled to this RMS, in dB of full scale; silence stays silence."""
    now = power(wave)
    if not now:
        return wave
    scaled: Wave = wave * amplitude(decibels - decibels_of(now))
    return scaled


def audible(wave: Wave) -> Wave:
    """Without what lies below 40 Hz: no microphone hears it, but a ratio of powers counts it."""
    filtered: Wave = sosfilt(_ABOVE_RUMBLE, wave).astype(np.float32)
    return filtered


def active_samples(spans: Iterable[tuple[int, int]], count: int) -> Mask:
    """Where any of the spans (first sample, one past the last) lies."""
    mask = np.zeros(count, np.bool_)
    for first, last in spans:
        mask[max(0, first) : max(0, last)] = True
    return mask


def within_scale(wave: Wave) -> Wave:
    """As it is, or quieter as a whole: nothing is clipped."""
    peak = float(np.abs(wave).max(initial=0.0))
    if peak <= HEADROOM:
        return wave
    scaled: Wave = wave * np.float32(HEADROOM / peak)
    return scaled.clip(-HEADROOM, HEADROOM)  # by a rounding of the loudest, no more
