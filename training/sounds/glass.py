"""Breaking glass."""

from __future__ import annotations

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.sounds.struck import Ground, piece_of_glass, shards, sheet, thump
from interject.training.sounds.waves import (
    Model,
    Rng,
    Wave,
    decay,
    full,
    log_uniform,
    noise,
    ring,
    sequence,
    uniform,
)


def splinters(rng: Rng, count: int, spread_s: float, ring_s: float) -> Wave:
    parts: list[tuple[float, Wave]] = []
    for _ in range(count):
        at = float(rng.exponential(spread_s))
        modes = [log_uniform(rng, 1_800, 7_500) for _ in range(int(rng.integers(2, 6)))]
        level = np.float32(log_uniform(rng, 0.08, 0.7))
        parts.append((min(at, 5 * spread_s), level * ring(rng, ring_s * 4, modes, ring_s)))
    return sequence(parts)


def _window_pane(rng: Rng) -> Wave:
    burst = noise(rng, 0.25, 1_200) * decay(0.25, uniform(rng, 0.03, 0.09))
    burst /= np.abs(burst).max()
    return sequence(
        [
            (0.0, burst),
            (0.01, splinters(rng, int(rng.integers(25, 70)), 0.18, uniform(rng, 0.02, 0.07))),
        ]
    )


def _drinking_glass(rng: Rng) -> Wave:
    modes = [log_uniform(rng, 1_500, 6_500) for _ in range(8)]
    strike = ring(rng, 0.3, modes, uniform(rng, 0.03, 0.09))
    return sequence([(0.0, strike), (0.03, splinters(rng, int(rng.integers(8, 25)), 0.12, 0.05))])


def _bottle_on_stone(rng: Rng) -> Wave:
    thud = noise(rng, 0.12, 100, 1_500) * decay(0.12, 0.03)
    thud /= np.abs(thud).max()
    return sequence(
        [(0.0, thud), (0.005, 1.4 * splinters(rng, int(rng.integers(15, 40)), 0.1, 0.03)),
         (0.0, 2 * noise(rng, 0.5, 2_500) * decay(0.5, uniform(rng, 0.06, 0.15)))]
    )  # fmt: skip


def _shattering(rng: Rng) -> Wave:
    """A wide crack, and a shower so dense that it hisses, thinning out into single pings."""
    crack = noise(rng, 0.1, uniform(rng, 60, 600), uniform(rng, 4_000, 7_900))
    crack *= decay(0.1, uniform(rng, 0.008, 0.035), uniform(rng, 0.001, 0.006))
    seconds = log_uniform(rng, 0.25, 1.8)
    hiss = noise(rng, seconds, log_uniform(rng, 150, 3_000), slope=uniform(rng, -1, 1))
    hiss *= decay(seconds, seconds / uniform(rng, 2, 5), uniform(rng, 0.002, 0.03))
    shower = _shower(rng, int(log_uniform(rng, 40, 260)), seconds)
    return sequence(
        [(0.0, full(crack) * np.float32(log_uniform(rng, 0.4, 2))),
         (uniform(rng, 0, 0.04), full(shower)),
         (uniform(rng, 0, 0.03), full(hiss) * np.float32(log_uniform(rng, 0.1, 0.9)))]
    )  # fmt: skip


def _falling_shards(rng: Rng) -> Wave:
    """Pieces that hit the floor in a few heaps, the last ones alone."""
    parts: list[tuple[float, Wave]] = []
    at = 0.0
    for _ in range(int(rng.integers(2, 6))):
        heap = _shower(rng, int(log_uniform(rng, 6, 60)), log_uniform(rng, 0.05, 0.4))
        parts.append((at, full(heap) * np.float32(log_uniform(rng, 0.2, 1))))
        at += uniform(rng, 0.05, 0.45)
    return sequence(parts)


def _shower(rng: Rng, count: int, seconds: float) -> Wave:
    """Many at first: each a click of all frequencies, some with a ring of their own."""
    parts: list[tuple[float, Wave]] = []
    ringing, lowest_hz = uniform(rng, 0.05, 0.8), log_uniform(rng, 100, 2_000)
    for _ in range(count):
        at = min(float(rng.exponential(seconds / 3)), seconds)
        level = np.float32(np.exp(rng.normal(-1, 0.8)) * (1 - 0.6 * at / seconds))
        click_s = log_uniform(rng, 0.002, 0.02)
        click = noise(rng, click_s, lowest_hz) * decay(click_s, click_s / 4, 0.0005)
        parts.append((at, level * full(click)))
        if rng.random() < ringing:
            fall = log_uniform(rng, 0.003, 0.04)
            modes = [log_uniform(rng, 900, 7_700) for _ in range(int(rng.integers(1, 5)))]
            own = np.float32(uniform(rng, 0.1, 0.8))
            parts.append((at, level * own * ring(rng, 4 * fall, modes, fall)))
    return sequence(parts)


def _pane_falls(rng: Rng) -> Wave:
    """Something heavy goes through a pane: a blow, a burst, pieces that fall, bounce and settle."""
    ground = Ground(log_uniform(rng, 0.6, 3.2))
    blow, burst_s = uniform(rng, 0, 1), log_uniform(rng, 0.05, 0.4)
    ground.add(
        0.0, full(thump(rng, log_uniform(rng, 60, 400), log_uniform(rng, 0.008, 0.05))), blow
    )
    pane = sheet(rng, log_uniform(rng, 250, 1_500), 24, log_uniform(rng, 0.015, 0.08))
    ground.add(uniform(rng, 0, 0.01), full(pane.struck(rng, 9_000)), uniform(rng, 0.1, 0.8))
    burst = noise(rng, burst_s * 4, log_uniform(rng, 80, 3_000), slope=uniform(rng, -0.8, 0.6))
    burst *= decay(burst_s * 4, burst_s, log_uniform(rng, 0.0005, 0.02))
    ground.add(uniform(rng, 0, 0.02), full(burst), uniform(rng, 0.2, 1))
    pieces = Ground(len(ground.sound) / SAMPLE_RATE_HZ)
    shards(rng, pieces, uniform(rng, 0, 0.04), int(log_uniform(rng, 30, 140)), burst_s)
    if rng.random() < 0.7:
        shards(rng, pieces, uniform(rng, 0.1, 0.5), int(log_uniform(rng, 8, 60)),
               log_uniform(rng, 0.06, 0.4))  # fmt: skip
    ground.add(0.0, full(pieces.sound), uniform(rng, 0.4, 1.5))
    return ground.sound


def _dropped_glass(rng: Rng) -> Wave:
    """A tumbler or a bottle: it may bounce, then it is in a few dozen pieces on a hard floor."""
    ground = Ground(log_uniform(rng, 0.5, 2.2))
    whole = piece_of_glass(rng, log_uniform(rng, 900, 3_500), log_uniform(rng, 0.03, 0.25))
    at = 0.0
    if rng.random() < 0.35:
        ground.add(0.0, full(whole.struck(rng, 6_000)), uniform(rng, 0.2, 0.6))
        at = uniform(rng, 0.08, 0.3)
    ground.add(at, full(thump(rng, log_uniform(rng, 120, 900), log_uniform(rng, 0.004, 0.02))),
              uniform(rng, 0, 0.7))  # fmt: skip
    ground.add(at, full(whole.struck(rng, 12_000)), uniform(rng, 0, 0.5))
    snap_s = log_uniform(rng, 0.01, 0.08)
    snap = noise(rng, snap_s * 5, log_uniform(rng, 1_000, 3_500)) * decay(snap_s * 5, snap_s, 0.001)
    ground.add(at, full(snap), uniform(rng, 0.3, 1))
    pieces = Ground(len(ground.sound) / SAMPLE_RATE_HZ)
    shards(rng, pieces, at + 0.003, int(log_uniform(rng, 10, 60)), log_uniform(rng, 0.03, 0.2))
    ground.add(0.0, full(pieces.sound), uniform(rng, 0.5, 1.5))
    return ground.sound


def _mirror(rng: Rng) -> Wave:
    """Kept for tests: a crack, a pause, then the fall."""
    crack = noise(rng, 0.06, 2_000) * decay(0.06, 0.01)
    crack /= np.abs(crack).max()
    return sequence(
        [(0.0, crack), (uniform(rng, 0.1, 0.25), splinters(rng, 60, 0.15, 0.04)),
         (0.2, noise(rng, 0.4, 3_000) * decay(0.4, 0.1))]
    )  # fmt: skip


GLASS: tuple[Model, ...] = (
    _window_pane,
    _drinking_glass,
    _bottle_on_stone,
    _shattering,
    _falling_shards,
    _pane_falls,
    _pane_falls,
    _dropped_glass,
    _dropped_glass,
    _mirror,
)
