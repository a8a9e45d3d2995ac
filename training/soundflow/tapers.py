"""Ends that begin and stop without a click."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave


def tapered(wave: Wave, taper_samples: int) -> Wave:
    """A half of a Hann window over each end; in a short sound the two meet in the middle."""
    edge = min(taper_samples, len(wave) // 2)
    if not edge:
        return wave
    ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)).astype(np.float32)
    faded = wave.copy()
    faded[:edge] *= ramp
    faded[-edge:] *= ramp[::-1]
    return faded
