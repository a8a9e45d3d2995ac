"""Every class of sound, and which models are for training and which for tests only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.training.sounds.alarming import ALARMING
from interject.training.sounds.counted import COUNTED
from interject.training.sounds.ordinary import ORDINARY

if TYPE_CHECKING:
    from interject.training.sounds.waves import Model, Rng, Wave

CLASSES = tuple(sorted((*ALARMING, *ORDINARY, *COUNTED)))
_ALL: dict[str, tuple[Model, ...]] = {**ALARMING, **ORDINARY, **COUNTED}


def models(kind: str, *, held_out: bool) -> tuple[Model, ...]:
    """A class's last model is held out, unless it is the only one or one of two ordinary ones."""
    known = _ALL[kind]
    if len(known) < 3:
        return known
    return known[-1:] if held_out else known[:-1]


def make_sound(kind: str, rng: Rng, *, held_out: bool = False) -> Wave:
    """A sound of this class, peak 0.6, without silence at its end."""
    known = models(kind, held_out=held_out)
    wave = known[int(rng.integers(len(known)))](rng)
    peak = float(np.abs(wave).max()) or 1.0
    wave = (wave * (0.6 / peak)).astype(np.float32)
    loud = np.flatnonzero(np.abs(wave) > 0.01)
    return wave[int(loud[0]) : int(loud[-1]) + 1] if len(loud) else wave
