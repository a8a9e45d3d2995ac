"""A shoebox room, by image sources for the early echoes and noise that dies away behind them.

J. B. Allen and D. A. Berkley, "Image method for efficiently simulating small-room acoustics", 1979.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.sounds.waves import log_uniform, uniform

if TYPE_CHECKING:
    from interject.training.sounds.waves import Rng, Wave

METRES_A_S = 343.0
SIZE_M = ((2.5, 9.0), (2.5, 7.0), (2.3, 3.5))
WALL_M = 0.3
"""Nobody stands closer to a wall."""
NEAR_M = 0.3
EARLY_S = 0.05
"""Behind it a room has so many echoes that they are noise."""
ORDER = 4
SABINE = 0.161
_PARITY = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), -1).reshape(-1, 3)
_AROUND = np.arange(-ORDER, ORDER + 1)
_CELLS = np.stack(np.meshgrid(_AROUND, _AROUND, _AROUND, indexing="ij"), -1).reshape(-1, 3)


@dataclass(frozen=True, slots=True)
class SimulatedRoom:
    """Where a stream is heard: everything in it has a place of its own, and one microphone."""

    size_m: tuple[float, float, float]
    reverberation_s: float
    microphone_m: tuple[float, float, float]

    @classmethod
    def random(cls, rng: Rng, reverberation_s: tuple[float, float]) -> SimulatedRoom:
        size = [uniform(rng, low, high) for low, high in SIZE_M]
        low, high = (max(0.05, seconds) for seconds in reverberation_s)
        return cls(_three(size), log_uniform(rng, low, high), _place(rng, size))

    @property
    def reflection(self) -> float:
        """Of a wall's amplitude, after Sabine: what makes the sound die away in this time."""
        x, y, z = self.size_m
        surface = 2 * (x * y + y * z + x * z)
        absorbed = SABINE * x * y * z / (surface * self.reverberation_s)
        return float(np.sqrt(1 - min(0.95, absorbed)))

    def response(self, rng: Rng) -> Wave:
        """From a random place to the microphone. The direct sound is sample 0, and 1."""
        place = np.array(_place(rng, self.size_m))
        size, microphone = np.array(self.size_m), np.array(self.microphone_m)
        if float(np.linalg.norm(place - microphone)) < NEAR_M:
            place = microphone + np.array((NEAR_M, 0.0, 0.0))
        images = (1 - 2 * _PARITY[:, None]) * place + 2 * _CELLS[None] * size
        bounces = np.abs(_CELLS[None] - _PARITY[:, None]).sum(-1) + np.abs(_CELLS[None]).sum(-1)
        metres = np.maximum(np.linalg.norm(images - microphone, axis=-1), NEAR_M).reshape(-1)
        direct = float(np.linalg.norm(place - microphone))
        late = np.rint((metres - direct) / METRES_A_S * SAMPLE_RATE_HZ).astype(int)
        level = self.reflection ** bounces.reshape(-1) * direct / metres
        count = round(self.reverberation_s * SAMPLE_RATE_HZ)
        early = min(count, round(EARLY_S * SAMPLE_RATE_HZ))
        response = np.zeros(max(count, 1), np.float32)
        kept = (late >= 0) & (late < early)
        np.add.at(response, late[kept], level[kept].astype(np.float32))
        response[0] = 1.0
        self._add_tail(response, early, rng)
        return response

    def _add_tail(self, response: Wave, early: int, rng: Rng) -> None:
        """As loud where it begins as the echoes before it, and dying at the room's pace."""
        window = response[early // 2 : early]
        if not len(window) or early >= len(response):
            return
        seconds = np.arange(len(response) - early) / SAMPLE_RATE_HZ
        loud = float(np.sqrt(np.mean(window**2)))
        fall = 10 ** (-3 * seconds / self.reverberation_s)
        tail = rng.standard_normal(len(seconds)) * loud * fall
        response[early:] = tail.astype(np.float32)


def in_room(wave: Wave, response: Wave) -> Wave:
    """Longer by the response."""
    length = len(wave) + len(response) - 1
    size = next_fast_len(length, real=True)
    wet: Wave = irfft(rfft(wave, size) * rfft(response, size), size)[:length].astype(np.float32)
    return wet


def _place(
    rng: Rng, size_m: tuple[float, float, float] | list[float]
) -> tuple[float, float, float]:
    return _three([uniform(rng, WALL_M, length - WALL_M) for length in size_m])


def _three(values: list[float]) -> tuple[float, float, float]:
    x, y, z = values
    return x, y, z
