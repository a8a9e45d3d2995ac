"""Short sounds that nano counts when it is asked to, and else leaves alone."""

from __future__ import annotations

import numpy as np

from interject.training.sounds.waves import (
    Model,
    Rng,
    Wave,
    decay,
    formants,
    full,
    gate,
    glide,
    log_uniform,
    noise,
    repeat,
    ring,
    timbre,
    tone,
    uniform,
)


def _plain_beep(rng: Rng) -> Wave:
    return gate(tone(rng, log_uniform(rng, 450, 2_600), uniform(rng, 0.12, 0.4), timbre(rng, 2, 2)))


def _square_beep(rng: Rng) -> Wave:
    return gate(
        tone(rng, log_uniform(rng, 350, 1_500), uniform(rng, 0.1, 0.35), (1, 0, 0.33, 0, 0.2))
    )


def _chime_beep(rng: Rng) -> Wave:
    seconds = uniform(rng, 0.25, 0.5)
    return tone(rng, log_uniform(rng, 700, 2_200), seconds, (1, 0.3)) * decay(seconds, 0.12)


def _rising_beep(rng: Rng) -> Wave:
    low, seconds = log_uniform(rng, 500, 1_500), uniform(rng, 0.12, 0.3)
    return gate(tone(rng, glide((low, low * uniform(rng, 1.2, 1.8)), seconds), seconds))


def _woof(rng: Rng, base_hz: float, centres: tuple[float, ...], seconds: float) -> Wave:
    line = glide((base_hz * 0.8, base_hz * uniform(rng, 1.2, 1.6), base_hz * 0.6), seconds)
    rough = tone(rng, line, seconds, timbre(rng, 14, 0.5))
    rough *= 1 + 0.5 * noise(rng, seconds, 0, 150)[: len(rough)] * 8
    mixed = rough / np.abs(rough).max() + 0.5 * noise(rng, seconds, 300, 4_000)
    return formants(mixed, centres, 250) * decay(seconds, seconds * 0.35, 0.015)


def _big_bark(rng: Rng) -> Wave:
    return _woof(rng, uniform(rng, 180, 350), (uniform(rng, 450, 800), uniform(rng, 1_000, 1_700)),
                 uniform(rng, 0.18, 0.4))  # fmt: skip


def _small_bark(rng: Rng) -> Wave:
    centres = (uniform(rng, 900, 1_500), uniform(rng, 2_000, 3_000))
    return _woof(rng, uniform(rng, 450, 900), centres, uniform(rng, 0.1, 0.25))


def _hoarse_bark(rng: Rng) -> Wave:
    seconds = uniform(rng, 0.15, 0.4)
    centres = (uniform(rng, 400, 900), uniform(rng, 1_100, 2_000), uniform(rng, 2_400, 3_200))
    breath = noise(rng, seconds, uniform(rng, 150, 400), uniform(rng, 2_500, 5_000), 0.5)
    bark = full(_woof(rng, uniform(rng, 140, 300), centres, seconds))
    hoarse = 0.7 * full(formants(breath, centres, 300)) * decay(seconds, seconds * 0.3, 0.01)
    return bark[: len(hoarse)] + hoarse[: len(bark)]


def _gruff_bark(rng: Rng) -> Wave:
    seconds = uniform(rng, 0.2, 0.45)
    growl = 0.3 * noise(rng, 0.08, 100, 800)
    return np.concatenate(
        (gate(growl, 0.02), _woof(rng, uniform(rng, 120, 240), (500, 1_100), seconds))
    )


def _door_knock(rng: Rng) -> Wave:
    """Two to four raps close together are one knock at the door."""
    modes = [uniform(rng, 90, 250), uniform(rng, 250, 600), uniform(rng, 600, 1_500)]
    fall = uniform(rng, 0.012, 0.04)
    return repeat(
        lambda: ring(rng, 0.12, modes, fall),
        int(rng.integers(2, 4)),
        lambda: uniform(rng, 0.02, 0.1),
    )


def _single_knock(rng: Rng) -> Wave:
    modes = [log_uniform(rng, 100, 1_400) for _ in range(4)]
    return ring(rng, 0.15, modes, uniform(rng, 0.015, 0.05))


def _table_knock(rng: Rng) -> Wave:
    hit = noise(rng, 0.12, 80, uniform(rng, 700, 1_800)) * decay(0.12, uniform(rng, 0.01, 0.03))
    return full(hit)


COUNTED: dict[str, tuple[Model, ...]] = {
    "beep": (_plain_beep, _square_beep, _chime_beep, _rising_beep),
    "bark": (_big_bark, _small_bark, _hoarse_bark, _gruff_bark),
    "knock": (_door_knock, _single_knock, _table_knock),
}
