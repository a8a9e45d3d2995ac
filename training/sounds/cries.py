"""Crying: babies, children and adults."""

from __future__ import annotations

import numpy as np

from interject.training.sounds.phonation import Phonation, Tract, breath, phonate
from interject.training.sounds.waves import (
    Model,
    Rng,
    Wave,
    formants,
    gate,
    glide,
    log_uniform,
    noise,
    samples,
    timbre,
    tone,
    uniform,
)

_LONGEST_S = 4.4
_MELODIES = (
    (0.75, 1.1, 1.05, 0.9, 0.7), (0.85, 1.0, 1.15, 1.2, 0.85), (1.0, 1.0, 1.02, 1.0, 0.9),
    (1.15, 1.1, 1.0, 0.9, 0.75), (0.7, 1.2, 0.95, 1.15, 0.8), (0.8, 0.9, 1.0, 1.1, 1.2),
)  # fmt: skip
"""Of one breath: rising and falling, flat, falling, twice up, rising."""


def _tract(rng: Rng, first_hz: float, scale: float) -> Tract:
    """A mouth that opens and closes again. The resonances of a tube lie about 1 : 3 : 5."""
    opened = [
        scale * hz * uniform(rng, 0.85, 1.15) for hz in (first_hz, 2.6 * first_hz, 4.3 * first_hz)
    ]
    return Tract(
        tuple(
            (hz * uniform(rng, 0.65, 1.0), hz, hz * uniform(rng, 0.6, 1.0)) for hz in opened
        ),
        uniform(rng, 120, 260),
    )  # fmt: skip


def _swell(rng: Rng, count: int) -> Wave:
    """Loudness of a breath: quickly there, uneven, gone within its last third."""
    levels = [0.0, 1.0, uniform(rng, 0.7, 1), uniform(rng, 0.5, 1), uniform(rng, 0.2, 0.7), 0.0]
    places = [0.0, uniform(rng, 0.04, 0.2), 0.4, 0.65, 0.85, 1.0]
    swell: Wave = np.interp(np.linspace(0, 1, count), places, levels).astype(np.float32)
    return swell


def _breaths(rng: Rng, parts: list[Wave]) -> Wave:
    """One after the other, as many as an alarm needs to be noticed."""
    whole = np.concatenate(parts)[: samples(_LONGEST_S)]
    return gate(whole, 0.03)


def _pause(rng: Rng, low_s: float, high_s: float) -> Wave:
    return np.zeros(samples(uniform(rng, low_s, high_s)), np.float32)


def _baby(rng: Rng) -> Wave:
    """A cry a breath: 0.4 to 2 s out at 300 to 600 Hz, a short noisy gasp in, and again."""
    base = uniform(rng, 300, 600)
    tract = _tract(rng, uniform(rng, 900, 1_400), 1.0)
    tilt, rough = uniform(rng, 0.3, 1.1), uniform(rng, 0, 0.8) * (rng.random() < 0.4)
    slow = log_uniform(rng, 0.4, 1.6)
    parts: list[Wave] = []
    for _ in range(int(rng.integers(1, 5))):
        seconds = slow * uniform(rng, 0.7, 1.3)
        melody = _MELODIES[int(rng.integers(len(_MELODIES)))]
        line = glide([base * uniform(rng, 0.94, 1.06) * step for step in melody], seconds)
        if rng.random() < 0.15:
            line[len(line) // 3 : len(line) // 2] *= uniform(rng, 1.6, 2.4)
        how = Phonation(tilt, rough, uniform(rng, 0.02, 0.3), uniform(rng, 0, 0.5))
        parts.append(phonate(rng, line, tract, how) * _swell(rng, len(line)))
        parts += [_pause(rng, 0.01, 0.15), _gasp(rng, base, tract), _pause(rng, 0.01, 0.2)]
    return _breaths(rng, parts[: -int(rng.integers(1, 4))])


def _gasp(rng: Rng, base_hz: float, tract: Tract) -> Wave:
    """Breath drawn in; the folds often sound with it, higher than in the cry."""
    seconds = uniform(rng, 0.08, 0.3)
    air = gate(breath(rng, seconds, tract, 700), seconds / 3) * np.float32(uniform(rng, 0.03, 0.3))
    if rng.random() < 0.4:
        line = glide((base_hz, base_hz * uniform(rng, 1.1, 1.6)), seconds)
        voice = phonate(rng, line, tract, Phonation(1.5, 0.4, 0.5))
        air[: len(voice)] += gate(voice, seconds / 3)[: len(air)] * np.float32(0.2)
    return air


def _sobbing(rng: Rng) -> Wave:
    """An adult: breath pushed out in short bursts, four to six a second, then drawn in."""
    base = log_uniform(rng, 150, 420)
    tract = _tract(rng, uniform(rng, 480, 800), 1.0)
    parts: list[Wave] = []
    for _ in range(int(rng.integers(1, 4))):
        for number in range(int(rng.integers(2, 7))):
            seconds = uniform(rng, 0.07, 0.25)
            high = base * uniform(rng, 0.9, 1.25) * 0.96**number
            line = glide((high * 1.1, high, high * uniform(rng, 0.6, 0.95)), seconds)
            how = Phonation(uniform(rng, 0.8, 1.8), 0.0, uniform(rng, 0.2, 1.2), 0.3)
            sob = phonate(rng, line, tract, how) * _swell(rng, len(line))
            parts += [sob * np.float32(uniform(rng, 0.4, 1)), _pause(rng, 0.04, 0.16)]
        drawn = breath(rng, uniform(rng, 0.2, 0.6), tract, 500)
        parts += [gate(drawn, 0.1) * np.float32(uniform(rng, 0.05, 0.4)), _pause(rng, 0.02, 0.25)]
    return _breaths(rng, parts[:-2] if rng.random() < 0.5 else parts)


def _weeping(rng: Rng) -> Wave:
    """A child or an adult: long trembling wails whose voice cracks, sniffs between them."""
    base = log_uniform(rng, 200, 520)
    tract = _tract(rng, uniform(rng, 600, 1_050), 1.0)
    parts: list[Wave] = []
    for _ in range(int(rng.integers(1, 4))):
        seconds = uniform(rng, 0.5, 1.8)
        melody = _MELODIES[int(rng.integers(len(_MELODIES)))]
        line = glide([base * uniform(rng, 0.9, 1.1) * step for step in melody], seconds)
        crack = int(rng.integers(len(line)))
        line[crack : crack + samples(uniform(rng, 0.05, 0.2))] *= uniform(rng, 1.2, 1.7)
        how = Phonation(uniform(rng, 0.6, 1.4), uniform(rng, 0, 0.4), uniform(rng, 0.05, 0.5), 1.0)
        if rng.random() < 0.6:
            sniff = gate(noise(rng, uniform(rng, 0.08, 0.25), 900, 6_500), 0.03)
            parts += [sniff / np.float32(np.abs(sniff).max()) * np.float32(uniform(rng, 0.05, 0.3))]
            parts += [_pause(rng, 0.02, 0.2)]
        parts += [phonate(rng, line, tract, how) * _swell(rng, len(line)), _pause(rng, 0.05, 0.3)]
    return _breaths(rng, parts[:-1])


def _whimper(rng: Rng) -> Wave:
    """Kept for tests: short, high, falling, with breath between."""
    base = uniform(rng, 300, 480)
    air = 0.15 * gate(noise(rng, 0.15, 800, 5_000), 0.04)
    parts: list[Wave] = []
    for _ in range(int(rng.integers(3, 6))):
        parts += [_sob(rng, base, (700, 1_500, 3_000), uniform(rng, 0.2, 0.4)), air]
    return np.concatenate(parts)


def _sob(rng: Rng, base_hz: float, centres: tuple[float, ...], seconds: float) -> Wave:
    line = glide(
        (base_hz, base_hz * uniform(rng, 1.1, 1.4), base_hz * uniform(rng, 0.7, 0.95)), seconds
    )
    wobble = 1 + 0.04 * np.sin(2 * np.pi * uniform(rng, 5, 9) * np.arange(len(line)) / 16_000)
    voice = tone(rng, (line * wobble).astype(np.float32), seconds, timbre(rng, 12, 0.7))
    return gate(formants(voice + 0.1 * noise(rng, seconds)[: len(voice)], centres), 0.06)


CRIES: tuple[Model, ...] = (_baby, _baby, _sobbing, _weeping, _whimper)
