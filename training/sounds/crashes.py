"""Crashes: cars, things that fall, what is stacked and comes down."""

from __future__ import annotations

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.sounds.struck import Body, Ground, bounces, shards, sheet, thump
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
    ring,
    sequence,
    timbre,
    tone,
    uniform,
)


def _car_crash(rng: Rng) -> Wave:
    """Tyres may squeal; then weight, sheet metal that folds, and glass."""
    ground = Ground(log_uniform(rng, 1.0, 3.6))
    at = 0.0
    if rng.random() < 0.3:
        at = uniform(rng, 0.2, 1.0)
        ground.add(0.0, full(_squeal(rng, at)), uniform(rng, 0.1, 0.5))
    fall_s = log_uniform(rng, 0.04, 0.25)
    ground.add(at, full(thump(rng, log_uniform(rng, 35, 140), fall_s)), uniform(rng, 0.6, 1.2))
    wide = noise(rng, fall_s * 6, 0, log_uniform(rng, 1_500, 7_900), uniform(rng, 0.2, 1.4))
    wide *= decay(fall_s * 6, fall_s, log_uniform(rng, 0.001, 0.02))
    ground.add(at + uniform(rng, 0, 0.02), full(wide), uniform(rng, 0.4, 1))
    body = sheet(rng, log_uniform(rng, 70, 300), 40, log_uniform(rng, 0.05, 0.4))
    folded = Ground(len(ground.sound) / SAMPLE_RATE_HZ)
    _folding(rng, folded, at, body, log_uniform(rng, 0.08, 0.7))
    ground.add(0.0, full(folded.sound), uniform(rng, 0.4, 1.2))
    if rng.random() < 0.7:
        glass = Ground(len(ground.sound) / SAMPLE_RATE_HZ)
        shards(rng, glass, at + uniform(rng, 0.02, 0.2), int(log_uniform(rng, 10, 80)),
               log_uniform(rng, 0.08, 0.4))  # fmt: skip
        ground.add(0.0, full(glass.sound), uniform(rng, 0.1, 0.7))
    return ground.sound


def _squeal(rng: Rng, seconds: float) -> Wave:
    """Rubber sticks and slips: a rough tone with noise about it."""
    high = uniform(rng, 700, 1_600)
    line = glide([high * uniform(rng, 0.85, 1.15) for _ in range(5)], seconds)
    rough = tone(rng, line, seconds, timbre(rng, 5, 0.8))
    air = noise(rng, seconds, high * 0.7, high * 2.5)
    rough = full(rough) + full(air)[: len(rough)] * np.float32(uniform(rng, 0.8, 3))
    return gate(rough, min(0.1, seconds / 3))


def _folding(rng: Rng, ground: Ground, at_s: float, body: Body, seconds: float) -> None:
    """Many blows to one body, most of them at first; a few places are hit again and again."""
    places = [body.struck(rng, log_uniform(rng, 400, 9_000)) for _ in range(5)]
    for _ in range(int(log_uniform(rng, 12, 70))):
        moment = at_s + float(rng.exponential(seconds / 2))
        hit = places[int(rng.integers(len(places)))]
        ground.add(moment, hit, float(np.exp(rng.normal(-1, 0.7))))


def _object_falls(rng: Rng) -> Wave:
    """A heavy thing of wood, metal or china hits the floor, bounces, and what was on it follows.

    One thud alone is no crash.
    """
    ground = Ground(log_uniform(rng, 0.5, 3.0))
    body = sheet(rng, log_uniform(rng, 80, 900), int(rng.integers(10, 40)),
                 log_uniform(rng, 0.015, 0.35), uniform(rng, 0.2, 0.9))  # fmt: skip
    weight = thump(rng, log_uniform(rng, 50, 250), log_uniform(rng, 0.01, 0.07))
    hardness_hz, heavy = log_uniform(rng, 800, 9_000), uniform(rng, 0.3, 1.5)
    for moment, level in bounces(rng, uniform(rng, 0.06, 0.35), int(rng.integers(2, 8))):
        ground.add(moment, full(body.struck(rng, hardness_hz)), level)
        ground.add(moment, full(weight), level * heavy)
    for _ in range(int(rng.integers(4, 18))):
        small = sheet(rng, log_uniform(rng, 300, 3_000), int(rng.integers(4, 14)),
                      log_uniform(rng, 0.01, 0.12))  # fmt: skip
        start, level = uniform(rng, 0.02, 0.8), log_uniform(rng, 0.08, 0.7)
        for moment, softer in bounces(rng, uniform(rng, 0.03, 0.2), int(rng.integers(0, 4))):
            ground.add(start + moment, full(small.struck(rng, 6_000)), level * softer)
    return ground.sound


def _metal_falls(rng: Rng) -> Wave:
    """Pans, trays, tins: they ring long, bounce, and a lid spins faster and faster."""
    ground = Ground(log_uniform(rng, 0.8, 3.5))
    for _ in range(int(rng.integers(2, 6))):
        body = sheet(rng, log_uniform(rng, 200, 1_200), int(rng.integers(8, 24)),
                     log_uniform(rng, 0.06, 0.5), uniform(rng, 0.2, 0.8))  # fmt: skip
        places = [full(body.struck(rng, log_uniform(rng, 3_000, 12_000))) for _ in range(3)]
        start, level = uniform(rng, 0, 0.5), uniform(rng, 0.4, 1)
        for moment, softer in bounces(rng, uniform(rng, 0.08, 0.3), int(rng.integers(2, 9))):
            ground.add(start + moment, places[int(rng.integers(3))], level * softer)
        if rng.random() < 0.3:
            at, gap = start + 0.3, uniform(rng, 0.06, 0.14)
            while gap > 0.015:
                ground.add(at, places[int(rng.integers(3))], level * gap * 3)
                at, gap = at + gap, gap * 0.95
    first = thump(rng, log_uniform(rng, 60, 200), log_uniform(rng, 0.01, 0.05))
    ground.add(0.0, full(first), uniform(rng, 0, 0.8))
    return ground.sound


def _china_breaks(rng: Rng) -> Wave:
    """A pile of plates: duller than glass, shorter, many at once."""
    ground = Ground(log_uniform(rng, 0.6, 2.5))
    ground.add(0.0, full(thump(rng, log_uniform(rng, 100, 500), 0.02)), uniform(rng, 0.3, 1))
    for _ in range(int(log_uniform(rng, 8, 50))):
        plate = sheet(rng, log_uniform(rng, 500, 2_500), 8, log_uniform(rng, 0.008, 0.06))
        start, level = float(rng.exponential(0.2)), float(np.exp(rng.normal(-0.8, 0.7)))
        for moment, softer in bounces(rng, uniform(rng, 0.03, 0.15), int(rng.integers(0, 3))):
            ground.add(start + moment, plate.struck(rng, log_uniform(rng, 2_000, 9_000)),
                      level * softer)  # fmt: skip
    if rng.random() < 0.5:
        shards(rng, ground, 0.02, int(log_uniform(rng, 5, 40)), 0.2)
    return ground.sound


def _tearing(rng: Rng) -> Wave:
    """All of it at once, dense and rough: a vehicle or a wall that is crushed, with its rubble."""
    seconds = log_uniform(rng, 0.4, 2.0)
    ground = Ground(seconds * 1.5)
    low_hz, slope = log_uniform(rng, 20, 300), uniform(rng, 0, 1.3)
    for _ in range(int(log_uniform(rng, 15, 120))):
        at = min(float(rng.exponential(seconds / 3)), seconds)
        grain_s = log_uniform(rng, 0.01, 0.12)
        grain = noise(rng, grain_s * 4, low_hz, log_uniform(rng, 1_500, 7_900), slope)
        grain *= decay(grain_s * 4, grain_s, log_uniform(rng, 0.001, 0.01))
        level = float(np.exp(rng.normal(-0.7, 0.7))) * (1 - 0.7 * at / seconds)
        ground.add(at, full(grain), level)
    ground.add(0.0, full(thump(rng, log_uniform(rng, 35, 160), log_uniform(rng, 0.03, 0.2))),
              uniform(rng, 0.2, 2))  # fmt: skip
    if rng.random() < 0.5:
        folded = Ground(seconds * 1.5)
        body = sheet(rng, log_uniform(rng, 80, 500), 24, log_uniform(rng, 0.03, 0.2))
        _folding(rng, folded, 0.0, body, seconds / 2)
        ground.add(0.0, full(folded.sound), uniform(rng, 0.3, 1.5))
    return ground.sound


def _collapse(rng: Rng) -> Wave:
    parts: list[tuple[float, Wave]] = []
    for _ in range(int(rng.integers(4, 10))):
        hit = noise(rng, 0.4, 0, log_uniform(rng, 500, 4_000), 1.0) * decay(
            0.4, uniform(rng, 0.04, 0.12)
        )
        at = float(rng.exponential(0.25))
        parts.append((min(at, 1.2), full(hit) * np.float32(uniform(rng, 0.3, 1))))
    return sequence(parts)


def _dishes(rng: Rng) -> Wave:
    parts: list[tuple[float, Wave]] = []
    for _ in range(int(rng.integers(8, 20))):
        modes = [log_uniform(rng, 500, 5_000) for _ in range(6)]
        level = np.float32(uniform(rng, 0.2, 1))
        parts.append((min(float(rng.exponential(0.2)), 1.0), level * ring(rng, 0.4, modes, 0.06)))
    return sequence([*parts, (0.0, 3 * noise(rng, 0.3, 200, 5_000) * decay(0.3, 0.06))])


def _shelf_falls(rng: Rng) -> Wave:
    """Kept for tests: metal and wood, a rumble under it."""
    body = sequence([(0.0, _collapse(rng)), (0.2, 0.5 * _dishes(rng))])
    rumble = noise(rng, 1.0, 0, 200) * decay(1.0, 0.4)
    return sequence([(0.0, body), (0.05, rumble)])


CRASHES: tuple[Model, ...] = (
    _car_crash,
    _tearing,
    _object_falls,
    _metal_falls,
    _china_breaks,
    _collapse,
    _dishes,
    _shelf_falls,
)
