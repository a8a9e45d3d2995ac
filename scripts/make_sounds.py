"""Computes the two sounds that come with Interject; the same bytes each time.

python scripts/make_sounds.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.sound_file import as_flac

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 24_000
FOLDER = Path(__file__).parent.parent / "config" / "sounds"
CHIME_HZ = (523.25, 659.26, 783.99)
CHIME_STEP_S = 0.16
PARTIALS = ((1.0, 1.0), (2.756, 0.4), (5.404, 0.15))
"""Of a bar that is struck: how high each is, and how loud."""
CHORDS = ((110.0, 164.81, 220.0, 277.18), (98.0, 146.83, 196.0, 246.94), (130.81, 196.0, 329.63))
CHORD_S = 4.0


def chime() -> NDArray[np.float32]:
    """Three notes upwards, 1.5 s."""
    sound = np.zeros(round(1.5 * RATE_HZ))
    for number, pitch_hz in enumerate(CHIME_HZ):
        start = round(number * CHIME_STEP_S * RATE_HZ)
        t = np.arange(len(sound) - start) / RATE_HZ
        for ratio, level in PARTIALS:
            decay = np.exp(-t * 4.0 * ratio**0.5) * np.minimum(1.0, t / 0.004)
            sound[start:] += level * decay * np.sin(2 * np.pi * pitch_hz * ratio * t)
    return _finished(sound)


def calm() -> NDArray[np.float32]:
    """Three chords of 4 s that run into each other, and the last one into the first."""
    size, length = round(CHORD_S * RATE_HZ), round(CHORD_S * RATE_HZ) * len(CHORDS)
    window = np.sin(np.pi * np.arange(2 * size) / (2 * size))
    sound = np.zeros(length)
    for number, chord in enumerate(CHORDS):
        at = np.arange(number * size, (number + 2) * size)
        t = at / RATE_HZ
        tones = sum(np.sin(2 * np.pi * pitch * t) / (n + 1) for n, pitch in enumerate(chord))
        sound[at % length] += window * tones * (1.0 + 0.1 * np.sin(2 * np.pi * 0.25 * t))
    return _finished(sound)


def _finished(sound: NDArray[np.float64]) -> NDArray[np.float32]:
    tail = np.minimum(1.0, np.arange(len(sound))[::-1] / (0.02 * RATE_HZ))
    return np.asarray(0.5 * tail * sound / np.abs(sound).max(), np.float32)


def main(folder: Path = FOLDER) -> None:
    for name, sound in (("chime", chime()), ("calm", calm())):
        path = folder / f"{name}.flac"
        path.write_bytes(as_flac(sound, RATE_HZ))
        print(f"{path.name}: {len(sound) / RATE_HZ:.1f} s, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
