"""Voices: harmonics of a moving pitch, breath, and a vocal tract whose resonances move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.sounds.waves import Rng, Wave, formants, noise, samples, uniform

_STEP = 160
_HIGHEST_HZ = 7_800.0
_FLOOR = 0.01


@dataclass(frozen=True, slots=True)
class Tract:
    """Resonances (Hz): where they are at the beginning, in the middle and at the end."""

    resonances_hz: tuple[tuple[float, float, float], ...]
    width_hz: float = 140.0

    def gains(self, hz: Wave, where: Wave) -> Wave:
        """Of frequencies at moments from 0 to 1."""
        gain = np.full(hz.shape, _FLOOR)
        for number, line in enumerate(self.resonances_hz):
            centre = np.interp(where, (0, 0.5, 1), line)
            width = self.width_hz * (1 + 0.6 * number)
            gain += 0.85**number / (1 + ((hz - centre) / width) ** 2)
        return gain.astype(np.float32)

    @property
    def middle_hz(self) -> list[float]:
        return [line[1] for line in self.resonances_hz]


@dataclass(frozen=True, slots=True)
class Phonation:
    """`tilt`: harmonic n is as loud as n ** -tilt. `rough` adds a pitch an octave below, `breath`
    noise, `tremor` a wavering of the pitch: each from 0 to 1.
    """

    tilt: float = 1.0
    rough: float = 0.0
    breath: float = 0.05
    tremor: float = 0.0


def phonate(rng: Rng, pitch_hz: Wave, tract: Tract, how: Phonation) -> Wave:
    """As long as the line of its pitch; peak about one."""
    count = len(pitch_hz)
    line = pitch_hz * _wavering(rng, count, how.tremor)
    phase = 2 * np.pi * np.cumsum(line, dtype=np.float64) / SAMPLE_RATE_HZ
    step = 0.5 if how.rough else 1.0
    turn = np.exp(1j * step * phase).astype(np.complex64)
    turned = np.ones(count, np.complex64)
    moments = np.arange(count)
    at = moments[::_STEP]
    where = (at / max(1, count - 1)).astype(np.float32)
    voice = np.zeros(count, np.float32)
    for number in np.arange(step, _HIGHEST_HZ / float(line.max()), step):
        level = number**-how.tilt * (1.0 if number % 1 == 0 else how.rough)
        gain = level * tract.gains(line[at] * np.float32(number), where)
        turned *= turn
        voice += turned.imag * np.interp(moments, at, gain).astype(np.float32)
    voice /= np.float32(np.abs(voice).max() + 1e-6)
    if how.breath:
        air = breath(rng, (count + 0.5) / SAMPLE_RATE_HZ, tract)[:count]
        voice += np.float32(how.breath) * air * (0.7 + 0.3 * np.sin(phase)).astype(np.float32)
    return voice


def breath(rng: Rng, seconds: float, tract: Tract, low_hz: float = 250.0) -> Wave:
    """Air that streams through a tract: peak one."""
    air = noise(rng, seconds, low_hz, uniform(rng, 5_000, 7_900), uniform(rng, 0, 0.8))
    air = formants(air, tract.middle_hz, tract.width_hz * 2.5) + 0.15 * air
    return air / np.float32(np.abs(air).max() + 1e-6)


def _wavering(rng: Rng, count: int, tremor: float) -> Wave:
    """No throat holds a pitch: it drifts by a few percent, and may waver 5 to 9 times a second."""
    points = max(3, count // samples(0.03))
    drift = rng.normal(0, uniform(rng, 0.004, 0.02), points)
    line = 1 + np.interp(np.arange(count), np.linspace(0, count, points), drift)
    if tremor:
        hz = uniform(rng, 5, 9)
        line += 0.08 * tremor * np.sin(2 * np.pi * hz * np.arange(count) / SAMPLE_RATE_HZ)
    wavering: Wave = line.astype(np.float32)
    return wavering
