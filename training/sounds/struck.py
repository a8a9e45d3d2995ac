"""Bodies that are struck, bounce, roll and break into pieces: modes that ring and die away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.sounds.waves import Rng, Wave, log_uniform, noise, samples, uniform

_HIGHEST_HZ, _LONGEST_S = 7_800.0, 1.5
_PLATE = np.array([1.0, 1.73, 2.33, 2.95, 3.91, 4.6, 6.0, 7.1])
"""Modes of a free plate beside its lowest, about."""


@dataclass(frozen=True, slots=True)
class Body:
    """Its modes (Hz), how loud each is, and after what time each has died away to a third."""

    modes_hz: np.ndarray[tuple[int], np.dtype[np.float64]]
    levels: np.ndarray[tuple[int], np.dtype[np.float64]]
    falls_s: np.ndarray[tuple[int], np.dtype[np.float64]]

    def struck(self, rng: Rng, hardness_hz: float) -> Wave:
        """A soft blow does not excite what is far above its `hardness_hz`; no two hit one place."""
        levels = self.levels * rng.uniform(0.2, 1, len(self.levels))
        levels = levels / (1 + (self.modes_hz / hardness_hz) ** 2)
        count = samples(min(float(self.falls_s.max()) * 5, _LONGEST_S))
        t = np.arange(count) / SAMPLE_RATE_HZ
        phases = 2 * np.pi * self.modes_hz[:, None] * t + rng.uniform(0, 6.28, (len(levels), 1))
        ringing = levels @ (np.sin(phases) * np.exp(-t / self.falls_s[:, None]))
        wave: Wave = ringing.astype(np.float32)
        return wave


def sheet(rng: Rng, lowest_hz: float, count: int, fall_s: float, slope: float = 0.5) -> Body:
    """Metal, wood, china: modes lie the denser the larger it is; high ones die sooner."""
    modes = np.minimum(lowest_hz * np.exp(rng.uniform(0, 3.5, count)), _HIGHEST_HZ)
    modes[0] = lowest_hz
    falls = fall_s * (lowest_hz / modes) ** slope * rng.uniform(0.4, 1.6, count)
    return Body(modes, rng.uniform(0.2, 1, count), np.maximum(falls, 0.002))


def piece_of_glass(rng: Rng, lowest_hz: float, fall_s: float) -> Body:
    modes = lowest_hz * _PLATE[: int(rng.integers(2, 9))] * rng.uniform(0.93, 1.07)
    modes = modes[modes < _HIGHEST_HZ]
    if not len(modes):
        modes = np.array([_HIGHEST_HZ * rng.uniform(0.7, 1)])
    falls = fall_s * (modes[0] / modes) ** 0.5 * rng.uniform(0.5, 1.5, len(modes))
    return Body(modes, rng.uniform(0.3, 1, len(modes)), falls)


def bounces(rng: Rng, first_s: float, most: int) -> list[tuple[float, float]]:
    """(moment, level) of each time it comes down: sooner and softer every time."""
    kept = uniform(rng, 0.35, 0.75)
    found, at, gap, level = [(0.0, 1.0)], 0.0, first_s, 1.0
    for _ in range(most):
        at, gap, level = at + gap, gap * kept, level * kept**0.8
        found.append((at, level * uniform(rng, 0.5, 1.2)))
        if gap < 0.01:
            break
    return found


class Ground:
    """What comes down on it, one thing after the other."""

    def __init__(self, seconds: float) -> None:
        self.sound = np.zeros(samples(seconds), np.float32)

    def add(self, at_s: float, wave: Wave, level: float = 1.0) -> None:
        start = int(at_s * SAMPLE_RATE_HZ)
        if 0 <= start < len(self.sound):
            piece = wave[: len(self.sound) - start]
            self.sound[start : start + len(piece)] += piece * np.float32(level)


def thump(rng: Rng, low_hz: float, fall_s: float) -> Wave:
    """What hits has weight: a low knock, and noise that is over at once."""
    seconds = fall_s * 5
    t = np.arange(samples(seconds)) / SAMPLE_RATE_HZ
    knock = np.sin(2 * np.pi * low_hz * (t + 0.3 * fall_s * (1 - np.exp(-t / fall_s))))
    wide = noise(rng, seconds, 0, log_uniform(rng, 300, 5_000), uniform(rng, 0.3, 1.2))[: len(t)]
    wave: Wave = ((knock + wide / np.abs(wide).max()) * np.exp(-t / fall_s)).astype(np.float32)
    wave[:8] *= np.linspace(0, 1, 8, dtype=np.float32)
    return wave


def shards(rng: Rng, ground: Ground, at_s: float, count: int, spread_s: float) -> None:
    """Glass comes down: most of it at once, the last pieces alone; large ones ring lower."""
    middle_hz, ringing_s = log_uniform(rng, 1_300, 5_000), log_uniform(rng, 0.006, 0.05)
    first_s = uniform(rng, 0.03, 0.16)
    for _ in range(count):
        lowest_hz = min(middle_hz * float(np.exp(rng.normal(0, 0.5))), 7_000)
        body = piece_of_glass(rng, lowest_hz, ringing_s * float(np.exp(rng.normal(0, 0.4))))
        level = float(np.exp(rng.normal(-1.2, 0.8)))
        start = at_s + min(float(rng.exponential(spread_s)), 5 * spread_s)
        for moment, softer in bounces(rng, first_s, int(rng.integers(0, 3))):
            hit = body.struck(rng, log_uniform(rng, 2_500, 20_000))
            ground.add(start + moment, hit, level * softer)
