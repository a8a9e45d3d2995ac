"""How loud a voice is, with room left above its peaks."""

from __future__ import annotations

import numpy as np

FULL_SCALE = 32_768.0
KNEE = 0.7
"""Of full scale. What lies above is pressed together rather than cut off."""
CEILING = 0.89
"""-1 dBFS: a codec or a resampler on the way may overshoot by that much."""


def with_headroom(pcm: bytes, gain: float) -> bytes:
    """16-bit mono PCM, louder by `gain`, and never above the ceiling."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) * np.float32(gain / FULL_SCALE)
    size = np.abs(samples)
    room = CEILING - KNEE
    pressed = KNEE + room * np.tanh((size - KNEE) / room)
    limited = np.sign(samples) * np.where(size > KNEE, pressed, size)
    return bytes(np.round(limited * FULL_SCALE).astype("<i2").data)
