"""A scene of speech and sounds, mixed into one recording. Speech is espeak-ng's, sounds are the
procedural ones that nano was trained on.
"""

from __future__ import annotations

import io
import subprocess
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.training.sounds.catalogue import models

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

RATE_HZ = 16_000
HUM_LEVEL = 0.004


@dataclass(frozen=True, slots=True)
class Line:
    """Words said by a voice of espeak-ng, at a moment of the scene."""

    at_s: float
    text: str
    voice: str
    words_per_min: int = 160
    level: float = 0.3


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound of a class that `training/sounds` knows, by one of its models."""

    at_s: float
    kind: str
    level: float = 0.3
    model: int = 0


def mix(
    scene: Iterable[Line | Sound], length_s: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    mixed = hum(rng, round(length_s * RATE_HZ))
    for event in scene:
        sound = speak(event) if isinstance(event, Line) else make(event, rng)
        start = round(event.at_s * RATE_HZ)
        placed = sound[: len(mixed) - start] * (event.level / np.abs(sound).max())
        mixed[start : start + len(placed)] += placed
    return mixed


def hum(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """A refrigerator: noise that falls with frequency, and the mains."""
    spectrum = np.fft.rfft(rng.normal(size=count))
    frequencies_hz = np.fft.rfftfreq(count, 1.0 / RATE_HZ)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequencies_hz, 40.0)), count)
    mains = np.sin(2.0 * np.pi * 100.0 * np.arange(count) / RATE_HZ)
    mixed = noise / noise.std() + 0.3 * mains
    return np.asarray(HUM_LEVEL * mixed, dtype=np.float32)


def make(sound: Sound, rng: np.random.Generator) -> NDArray[np.float32]:
    return np.asarray(models(sound.kind, held_out=False)[sound.model](rng), dtype=np.float32)


def speak(line: Line) -> NDArray[np.float32]:
    words = ["espeak-ng", "-v", line.voice, "-s", str(line.words_per_min), "--stdout", line.text]
    said = subprocess.run(words, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(said)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        rate_hz = file.getframerate()
    return np.asarray(soxr.resample(pcm.astype(np.float32), rate_hz, RATE_HZ), dtype=np.float32)


def as_pcm(scene: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.clip(np.rint(scene * 32_767.0), -32_768, 32_767).astype("<i2")
