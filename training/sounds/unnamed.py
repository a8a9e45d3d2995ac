"""Sounds of no class, to leave alone: held notes and horns beside sirens, calls and songs beside
crying, blows beside crashes, chimes beside breaking glass, puffs beside coughs.

The real world has more of each than a collection of recordings holds.
"""

from __future__ import annotations

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.sounds.phonation import Phonation, Tract, breath, phonate
from interject.training.sounds.sirens import horn, street
from interject.training.sounds.waves import (
    Model,
    Rng,
    Wave,
    decay,
    full,
    gate,
    glide,
    log_uniform,
    noise,
    repeat,
    ring,
    samples,
    saturate,
    sequence,
    timbre,
    tone,
    uniform,
)

UNNAMED = "unnamed"
_OUTDOORS = 0.3
_INTERVALS = (1.0, 1.125, 1.2, 1.25, 1.333, 1.5, 1.6, 1.667, 1.875, 2.0)


def _held(rng: Rng) -> Wave:
    """A horn, an organ, a string, a whistle: one note or a chord that stays where it is."""
    seconds, low = log_uniform(rng, 0.15, 3), log_uniform(rng, 90, 2_500)
    levels = timbre(rng, int(rng.integers(1, 14)), uniform(rng, 0.3, 1.6))
    chord = [1.0, *rng.choice(_INTERVALS, int(rng.integers(0, 3)))]
    notes = [tone(rng, _vibrato(rng, low * float(x), seconds), seconds, levels) for x in chord]
    wave = gate(full(np.sum(notes, axis=0)), log_uniform(rng, 0.01, 0.2))
    if rng.random() < 0.4:
        wave = horn(rng, saturate(wave, uniform(rng, 0.5, 3)))
    again = int(rng.integers(1, 4)) if seconds < 0.8 else 1
    return repeat(lambda: wave, again, lambda: log_uniform(rng, 0.05, 0.6))


def _tune(rng: Rng) -> Wave:
    """Notes one after the other, plucked or held, no two alike in a row."""
    low, each = log_uniform(rng, 110, 900), log_uniform(rng, 0.09, 0.6)
    levels, is_plucked = timbre(rng, 8, uniform(rng, 0.6, 1.8)), rng.random() < 0.6
    parts: list[tuple[float, Wave]] = []
    for number in range(int(rng.integers(3, 11))):
        lasting = each * (2.5 if is_plucked else 0.95)
        hz = low * float(rng.choice(_INTERVALS))
        note = tone(rng, hz, lasting, levels)
        note *= decay(lasting, lasting / 3)[: len(note)] if is_plucked else 1
        parts.append((number * each, gate(note, 0.01)))
    return sequence(parts)


def _vibrato(rng: Rng, hz: float, seconds: float) -> Wave:
    turns = np.arange(samples(seconds)) / SAMPLE_RATE_HZ * uniform(rng, 4, 7)
    depth = uniform(rng, 0, 0.015)
    line: Wave = (hz * (1 + depth * np.sin(2 * np.pi * turns))).astype(np.float32)
    return line


def _tract(rng: Rng) -> Tract:
    size = uniform(rng, 0.6, 1.8)

    def moving(low: float, high: float) -> tuple[float, float, float]:
        begun, middle, ended = size * rng.uniform(low, high, 3)
        return float(begun), float(middle), float(ended)

    where = moving(300, 900), moving(800, 2_300), moving(2_200, 3_500)
    return Tract(where, uniform(rng, 100, 300))


def _call(rng: Rng) -> Wave:
    """An animal's, once or a few times."""
    seconds, low = log_uniform(rng, 0.12, 1.4), log_uniform(rng, 70, 1_500)
    points = [low * uniform(rng, 0.7, 1.6) for _ in range(int(rng.integers(2, 5)))]
    how = Phonation(
        uniform(rng, 0.4, 1.6), rng.choice([0, 0, uniform(rng, 0, 1)]), uniform(rng, 0, 0.5),
        uniform(rng, 0, 1),
    )  # fmt: skip
    voice = phonate(rng, glide(points, seconds), _tract(rng), how)
    voice = gate(voice, seconds * uniform(rng, 0.05, 0.4))
    return repeat(lambda: voice, int(rng.integers(1, 4)), lambda: log_uniform(rng, 0.05, 0.7))


def _sung(rng: Rng) -> Wave:
    low, each = log_uniform(rng, 100, 500), log_uniform(rng, 0.2, 1.2)
    notes = [low * float(rng.choice(_INTERVALS)) for _ in range(int(rng.integers(1, 6)))]
    line = np.concatenate([np.full(samples(each), hz, np.float32) for hz in notes])
    smooth = samples(0.04)
    line = np.convolve(np.pad(line, smooth, "edge"), np.full(smooth, 1 / smooth), "same")
    how = Phonation(uniform(rng, 0.7, 1.4), 0.0, uniform(rng, 0, 0.15), uniform(rng, 0, 0.4))
    return gate(phonate(rng, line[smooth:-smooth].astype(np.float32), _tract(rng), how), 0.06)


def _blow(rng: Rng) -> Wave:
    """Wood, a box, a door, a pan: struck once or a few times, nothing falls."""
    low, last = log_uniform(rng, 50, 1_500), log_uniform(rng, 0.02, 0.3)

    def once() -> Wave:
        modes = [low * uniform(rng, 1, 9) for _ in range(int(rng.integers(2, 9)))]
        body = full(ring(rng, last * 5, modes, last))
        click = full(noise(rng, last * 5, 0, log_uniform(rng, 500, 8_000)))
        return body + click * decay(last * 5, last * uniform(rng, 0.1, 0.6)) * uniform(rng, 0.1, 1)

    return repeat(once, int(rng.integers(1, 5)), lambda: log_uniform(rng, 0.05, 0.5))


def _chime(rng: Rng) -> Wave:
    """A bell, a cup, a triangle: few high modes that ring on."""
    low, last = log_uniform(rng, 400, 3_500), log_uniform(rng, 0.1, 1.0)
    modes = [low * x for x in (1, *rng.uniform(1.2, 5, int(rng.integers(1, 5))))]
    struck = gate(ring(rng, last * 3, modes, last), 0.002)
    return repeat(lambda: struck, int(rng.integers(1, 4)), lambda: -last * uniform(rng, 0.5, 2.5))


def _rush(rng: Rng) -> Wave:
    """Air, sand, cloth, paper: noise whose band and level move."""
    seconds, high = log_uniform(rng, 0.12, 2.5), log_uniform(rng, 700, 7_900)
    air = noise(rng, seconds, high * uniform(rng, 0.05, 0.6), high, uniform(rng, 0, 1.5))
    points = rng.uniform(0, 1, int(rng.integers(2, 9)))
    return full(air) * glide([0, *points, 0], seconds)[: len(air)]


def _puff(rng: Rng) -> Wave:
    """Breath: a sniff, a sigh, a blow, a sneeze without a voice."""
    seconds = log_uniform(rng, 0.08, 0.9)
    return gate(breath(rng, seconds, _tract(rng)), seconds * uniform(rng, 0.1, 0.45))


def _bleep(rng: Rng) -> Wave:
    """Of a game or a machine: short sweeps, each another one."""

    def once() -> Wave:
        seconds = log_uniform(rng, 0.04, 0.45)
        line = glide(
            [log_uniform(rng, 150, 3_500) for _ in range(int(rng.integers(1, 4)))], seconds
        )
        return gate(saturate(tone(rng, line, seconds), uniform(rng, 0.5, 8)), 0.01)

    return repeat(once, int(rng.integers(1, 5)), lambda: log_uniform(rng, 0.02, 0.4))


_MODELS: tuple[Model, ...] = (
    _held, _held, _tune, _call, _sung, _blow, _chime, _rush, _puff, _bleep
)  # fmt: skip


def make_unnamed(rng: Rng) -> Wave:
    """Peak 0.6."""
    wave = _MODELS[int(rng.integers(len(_MODELS)))](rng)
    if rng.random() < _OUTDOORS:
        wave = street(rng, wave)
    return full(wave) * np.float32(0.6)
