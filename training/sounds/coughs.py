"""Coughs."""

from __future__ import annotations

import numpy as np

from interject.training.sounds.waves import (
    Model,
    Rng,
    Wave,
    decay,
    formants,
    full,
    glide,
    log_uniform,
    noise,
    repeat,
    samples,
    sequence,
    timbre,
    tone,
    uniform,
)


def _one_cough(rng: Rng, low_hz: float, high_hz: float, voiced: float) -> Wave:
    seconds = uniform(rng, 0.18, 0.38)
    burst = noise(rng, 0.06, 300, 6_000) * decay(0.06, 0.015)
    tail = noise(rng, seconds, low_hz, high_hz, 0.5) * decay(seconds, seconds / 3, 0.01)
    out = sequence([(0.0, burst / np.abs(burst).max()), (0.03, 0.8 * tail / np.abs(tail).max())])
    hum = tone(rng, glide((uniform(rng, 150, 350), 110), seconds), seconds, timbre(rng, 8))
    out[: len(hum)] += (
        np.float32(voiced) * hum * decay(seconds, seconds / 3, 0.02) / np.abs(hum).max()
    )
    return formants(out, (uniform(rng, 500, 900), uniform(rng, 1_200, 1_900), 2_800), 350)


def _dry_cough(rng: Rng) -> Wave:
    return repeat(lambda: _one_cough(rng, 400, 5_000, 0.1), int(rng.integers(2, 5)),
                  lambda: uniform(rng, 0.03, 0.18))  # fmt: skip


def _wet_cough(rng: Rng) -> Wave:
    return repeat(lambda: _one_cough(rng, 150, 3_500, 0.6), int(rng.integers(2, 4)),
                  lambda: uniform(rng, 0.05, 0.2))  # fmt: skip


def _single_cough(rng: Rng) -> Wave:
    """One or two: a wide burst as the throat opens, breath, and in half of them a voice."""
    return repeat(lambda: _explosive(rng), 1 if rng.random() < 0.65 else 2,
                  lambda: uniform(rng, 0.02, 0.4))  # fmt: skip


def _explosive(rng: Rng) -> Wave:
    opening = uniform(rng, 0.03, 0.1)
    burst = noise(rng, opening, uniform(rng, 80, 450), uniform(rng, 3_500, 7_800))
    burst *= decay(opening, uniform(rng, 0.012, 0.035), uniform(rng, 0.002, 0.012))
    breath_s = uniform(rng, 0.1, 0.4)
    breath = noise(rng, breath_s, uniform(rng, 150, 700), uniform(rng, 2_200, 7_500),
                   uniform(rng, 0, 1.2))  # fmt: skip
    breath *= decay(breath_s, breath_s / uniform(rng, 1.3, 4), uniform(rng, 0.005, 0.03))
    parts = [
        (0.0, full(burst)),
        (opening * uniform(rng, 0.3, 1), full(breath) * np.float32(log_uniform(rng, 0.15, 0.9))),
    ]
    if rng.random() < 0.5:
        parts.append((opening * uniform(rng, 0.5, 2), _voice(rng)))
    centres_hz = [uniform(rng, 400, 1_100), uniform(rng, 1_100, 2_200), uniform(rng, 2_300, 3_600)]
    dry = sequence(parts)
    coloured = full(formants(dry, centres_hz, uniform(rng, 180, 600)))
    return coloured + full(dry) * np.float32(uniform(rng, 0, 0.6))


def _voice(rng: Rng) -> Wave:
    """The vocal folds close at the end of many coughs."""
    seconds, hz = uniform(rng, 0.06, 0.25), log_uniform(rng, 100, 480)
    line = glide((hz, hz * uniform(rng, 0.8, 1.2), hz * uniform(rng, 0.5, 0.9)), seconds)
    hum = tone(rng, line, seconds, timbre(rng, 14, uniform(rng, 0.5, 1.2)))
    hum *= decay(seconds, seconds / 2, 0.015)
    return full(hum) * np.float32(log_uniform(rng, 0.1, 0.8))


def _hacking_cough(rng: Rng) -> Wave:
    """Kept for tests: many, fast, getting weaker."""
    count = int(rng.integers(4, 7))
    hits = [_one_cough(rng, 250, 4_500, 0.3) * np.float32(0.85**n) for n in range(count)]
    return np.concatenate(
        [np.concatenate((hit, np.zeros(samples(0.04), np.float32))) for hit in hits]
    )


COUGHS: tuple[Model, ...] = (_dry_cough, _wet_cough, _single_cough, _hacking_cough)
