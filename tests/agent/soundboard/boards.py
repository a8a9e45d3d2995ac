"""Folders of sounds, made by a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from interject.agent.sound_file import as_flac
from interject.config import Profile

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ = 16_000
CC0 = {"licence": "CC0-1.0", "credit": "a test"}
EFFECT = {"file": "ding.flac", "kind": "effect", **CC0}
BED = {"file": "hum.flac", "kind": "bed", **CC0}


def tone(hz: float, seconds: float, peak: float = 0.3) -> NDArray[np.float32]:
    at_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (peak * np.sin(2 * np.pi * hz * at_s)).astype(np.float32)


def folder(path: Path, sounds: dict[str, Any] | None = None) -> Path:
    """`ding`, an effect of a second, and `hum`, a bed of twelve."""
    path.mkdir(exist_ok=True)
    (path / "ding.flac").write_bytes(as_flac(tone(1_000, 1.0), RATE_HZ))
    (path / "hum.flac").write_bytes(as_flac(tone(400, 12.0), RATE_HZ))
    index = {"sounds": {"ding": EFFECT, "hum": BED} if sounds is None else sounds}
    (path / "sounds.yaml").write_text(yaml.safe_dump(index), encoding="utf-8")
    return path


def profile_file(path: Path, **board: Any) -> Path:
    """Of a producer that is heard, with its sounds in the folder `sounds` beside it."""
    content = {
        "system_prompt": "listen",
        "mode": "speak",
        "outputs": ["cue"],
        "voice": {"engine": "none"},
        "soundboard": {"folder": "sounds", **board},
    }
    file = path / "show.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


def profile(**changes: Any) -> Profile:
    """Its files are never opened."""
    sounds = {
        "ding": EFFECT,
        "hum": {**BED, "moods": ["normal"]},
        "rain": {**BED, "moods": ["sad"]},
    }
    board = {"folder": "nowhere", "sounds": sounds, **changes.pop("soundboard", {})}
    given = {"mode": "assist", "outputs": ["cue"], "soundboard": board, **changes}
    return Profile.model_validate({"name": "p", "system_prompt": "listen", **given})


def decibels(samples: NDArray[Any]) -> float:
    """RMS of 16-bit samples below full scale."""
    power = float(np.mean(np.square(samples.astype(np.float64) / 32_768.0)))
    return 10.0 * float(np.log10(max(power, 1e-12)))
