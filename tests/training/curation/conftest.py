"""A small folder of sounds, some clean, some as a careless person records them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.training.acoustics import background
from interject.training.dataset.sound_file import as_flac
from interject.training.sounds.catalogue import make_sound

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.sounds.waves import Wave

KINDS = ("bark", "cough", "doorbell", "footsteps", "glass", "kettle", "knock", "laugh", "telephone")


def write(path: Path, wave: Wave) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_flac(np.clip(wave, -1, 1).astype(np.float32)))


def padded(wave: Wave, rng: np.random.Generator) -> Wave:
    """A second of faint noise at either end."""
    quiet = np.zeros(16_000, np.float32)
    long = np.concatenate([quiet, wave, quiet])
    return long + rng.normal(0, 0.003, len(long)).astype(np.float32)


@pytest.fixture(scope="session")
def sounds_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("sounds"), np.random.default_rng(1)
    for kind in KINDS:
        wave = make_sound(kind, rng)
        write(folder / kind / "clean.flac", wave)
        write(folder / kind / "padded.flac", padded(wave, rng))
    write(folder / "street_traffic" / "long.flac", background(rng, 16_000 * 9) * np.float32(0.05))
    return folder
