"""Makes `kitchen.wav`: half a minute in a kitchen, for `make demo`.

    python examples/kitchen.py [--seed N] [OUT.wav]

Speech is espeak-ng's, sounds are the procedural ones that nano was trained on.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.training.sounds.catalogue import models

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 16_000
LENGTH_S = 31.0
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


SCENE: tuple[Line | Sound, ...] = (
    Line(1.2, "The new kettle was quite cheap, and the old one is in the garden.", "en-us+f3"),
    Sound(6.0, "microwave", 0.15),
    Line(9.6, "What is the capital of France?", "en-gb-x-rp+m3"),
    Line(14.2, "My sister walked along the river with her dog.", "en-us+f3", level=0.2),
    Sound(19.0, "laugh", 0.2),
    Sound(22.8, "smoke_alarm", 0.35),
    Line(27.8, "What was that sound?", "en-gb-x-rp+m3"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the demo's kitchen scene.")
    parser.add_argument(
        "out", nargs="?", type=Path, default=Path(__file__).with_name("kitchen.wav")
    )
    parser.add_argument("--seed", type=int, default=3)
    given = parser.parse_args()
    write_wav(given.out, make_scene(np.random.default_rng(given.seed)))
    print(f"{given.out}: {given.out.stat().st_size:,} bytes")


def make_scene(rng: np.random.Generator) -> NDArray[np.float32]:
    scene = hum(rng, round(LENGTH_S * RATE_HZ))
    for event in SCENE:
        sound = speak(event) if isinstance(event, Line) else make(event, rng)
        start = round(event.at_s * RATE_HZ)
        placed = sound[: len(scene) - start] * (event.level / np.abs(sound).max())
        scene[start : start + len(placed)] += placed
    return scene


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


def write_wav(path: Path, scene: NDArray[np.float32]) -> None:
    pcm = np.clip(np.rint(scene * 32_767.0), -32_768, 32_767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm.tobytes())


if __name__ == "__main__":
    main()
