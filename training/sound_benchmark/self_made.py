"""A folder of the benchmark's layout from sounds of our own: the real one may not be passed on.

`python -m interject.training.sound_benchmark.self_made FOLDER`: sound models that training never
heard where there are such, in a faint room.
"""

from __future__ import annotations

import hashlib
import sys
import wave
from pathlib import Path  # noqa: TC003 (typer reads it)
from typing import Annotated

import numpy as np
import typer

from interject.model_runtime.protocol import SAMPLE_BYTES, SAMPLE_RATE_HZ
from interject.training.sound_benchmark.clips import SoundLabel
from interject.training.sounds.catalogue import make_sound
from interject.training.sounds.waves import Rng, Wave  # noqa: TC001

PLACES = {
    "smoke_alarm": "Equipment/House/RESPOND",
    "crash": "Equipment/Industrial/RESPOND",
    "glass": "Daily/Housekeeping/RESPOND",
    "siren": "Traffic/Traffic/RESPOND",
    "crying": "Human/Emotion/RESPOND",
    "cough": "Human/Physiological/RESPOND",
    "microwave": "Equipment/House/IGNORE",
    "drill": "Equipment/Industrial/IGNORE",
    "keyboard": "Daily/Affairs/IGNORE",
    "water": "Daily/Housekeeping/IGNORE",
    "telephone": "Daily/Affairs/IGNORE",
    "engine": "Traffic/Vehicle/IGNORE",
    "laugh": "Human/Emotion/IGNORE",
    "footsteps": "Human/Body Movements/IGNORE",
    "rain": "Nature/Meteorological/IGNORE",
    "birds": "Nature/Ecological/IGNORE",
}
"""Where clips of a class lie. Its label is what `nano` was taught, not what the benchmark says."""
BEFORE_S, AFTER_S = 0.4, 0.2
HISS = 0.003
"""Standard deviation of the room's noise; full scale is 1."""


def write_self_made(folder: Path, *, a_class: int = 4, seed: int = 1) -> int:
    """Write `a_class` clips of each class; returns how many in all. The same every time."""
    count = 0
    for kind, place in PLACES.items():
        target = folder / place
        target.mkdir(parents=True, exist_ok=True)
        for number in range(a_class):
            name = hashlib.sha256(f"{seed}/{kind}/{number}".encode()).hexdigest()[:8]
            rng = np.random.default_rng([seed, number, *kind.encode()])
            _write(target / f"{name}.wav", _in_a_room(make_sound(kind, rng, held_out=True), rng))
            count += 1
    return count


def _in_a_room(sound: Wave, rng: Rng) -> Wave:
    before, after = (round(seconds * SAMPLE_RATE_HZ) for seconds in (BEFORE_S, AFTER_S))
    clip = np.concatenate((np.zeros(before, np.float32), sound, np.zeros(after, np.float32)))
    return clip + rng.normal(0.0, HISS, len(clip)).astype(np.float32)


def _write(path: Path, clip: Wave) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((np.clip(clip, -1, 1) * 32_767).astype("<i2").tobytes())


def main(
    folder: Annotated[Path, typer.Argument(help="Where to write; it should be empty.")],
    a_class: Annotated[int, typer.Option(min=1, max=1_000, help="Clips of each class.")] = 4,
    seed: Annotated[int, typer.Option(min=0)] = 1,
) -> None:
    """Write clips in the layout of Proactive-Sound-Bench."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise typer.BadParameter(f"{folder}: is not an empty folder")
    try:
        count = write_self_made(folder, a_class=a_class, seed=seed)
    except OSError as exc:
        reason = (exc.strerror or "").lower()
        raise typer.BadParameter(f"{folder}: cannot be written ({reason})") from exc
    responses = sum(place.endswith(SoundLabel.RESPOND) for place in PLACES.values()) * a_class
    sys.stdout.write(f"{count} clips in {folder}, {responses} of them to respond to\n")


if __name__ == "__main__":
    typer.run(main)
