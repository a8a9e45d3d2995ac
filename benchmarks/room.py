"""The sound that load is made of: a recording where there is one, else seeded noise and tones."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from interject.cli.bench.looped_sound import LoopedSound, RoomSound
from interject.cli.bench.sounds import read_recording, rooms_in
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

KITCHEN = Path(__file__).parent.parent / "examples" / "kitchen.wav"
_NOISE_S = 30


def _noise() -> LoopedSound:
    draw = np.random.default_rng(0)
    count = _NOISE_S * SAMPLE_RATE_HZ
    hum = 0.02 * np.sin(2 * np.pi * 120 * np.arange(count) / SAMPLE_RATE_HZ)
    sound = hum + 0.02 * draw.standard_normal(count)
    return LoopedSound(np.round(32767 * sound).astype("<i2").tobytes())


@cache
def _recording(path: Path) -> LoopedSound:
    """Read once, before the clock starts."""
    return read_recording(str(path)) if path.exists() else _noise()


def rooms(count: int, recording: Path = KITCHEN) -> list[RoomSound]:
    """Endless sounds that begin at places of their own."""
    return rooms_in([_recording(recording)], count)
