"""Sounds that nano speaks up about."""

from __future__ import annotations

import numpy as np

from interject.training.sounds.coughs import COUGHS
from interject.training.sounds.crashes import CRASHES
from interject.training.sounds.cries import CRIES
from interject.training.sounds.glass import GLASS
from interject.training.sounds.sirens import SIRENS
from interject.training.sounds.waves import (
    Model,
    Rng,
    Wave,
    gate,
    glide,
    repeat,
    saturate,
    timbre,
    tone,
    uniform,
)


def _three_pulses(rng: Rng) -> Wave:
    """The temporal-three pattern of ISO 8201: three pulses of half a second."""
    hz, on, off = uniform(rng, 2_600, 3_600), uniform(rng, 0.35, 0.6), uniform(rng, 0.25, 0.55)
    levels = timbre(rng, int(rng.integers(1, 4)), 1.5)
    return repeat(lambda: gate(tone(rng, hz, on, levels)), 3, lambda: off)


def _fast_pulses(rng: Rng) -> Wave:
    hz, on, off = uniform(rng, 2_400, 4_200), uniform(rng, 0.06, 0.14), uniform(rng, 0.05, 0.12)
    levels = timbre(rng, int(rng.integers(1, 3)), 1.5)
    return repeat(lambda: gate(tone(rng, hz, on, levels)), int(rng.integers(9, 18)), lambda: off)


def _low_square_pulses(rng: Rng) -> Wave:
    """The 520 Hz square wave of bedroom alarms."""
    hz, on, off = uniform(rng, 440, 620), uniform(rng, 0.4, 0.6), uniform(rng, 0.3, 0.5)
    levels = [1, 0, 1 / 3, 0, 1 / 5, 0, 1 / 7]
    return repeat(lambda: gate(tone(rng, hz, on, levels)), 3, lambda: off)


def _swept_pulses(rng: Rng) -> Wave:
    """Sounders that sweep upwards quickly, over and over."""
    low, high, each = uniform(rng, 1_500, 2_400), uniform(rng, 2_700, 3_600), uniform(rng, 0.1, 0.3)
    levels = timbre(rng, 3, 1.2)
    return repeat(
        lambda: gate(tone(rng, glide((low, high), each), each, levels)),
        int(uniform(rng, 1.4, 2.8) / each), lambda: 0.005,
    )  # fmt: skip


def _warbling_horn(rng: Rng) -> Wave:
    """Kept for tests: two high tones that change four to eight times a second, clipped."""
    first, second = uniform(rng, 2_500, 2_900), uniform(rng, 3_000, 3_500)
    each = uniform(rng, 0.06, 0.12)
    pair = [gate(tone(rng, hz, each, (1.0, 0.4))) for hz in (first, second)]
    return saturate(np.concatenate(pair * int(uniform(rng, 1.4, 2.4) / each / 2)), 2.5)


ALARMING: dict[str, tuple[Model, ...]] = {
    "smoke_alarm": (_three_pulses, _fast_pulses, _low_square_pulses, _swept_pulses, _warbling_horn),
    "glass": GLASS,
    "siren": SIRENS,
    "crash": CRASHES,
    "crying": CRIES,
    "cough": COUGHS,
}
