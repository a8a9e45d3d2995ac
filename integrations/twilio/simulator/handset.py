"""What somebody says into a telephone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.integrations.twilio.simulator.mulaw import BLOCK_SAMPLES, RATE_HZ, encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOISE_LEVEL = 12.0
"""A quiet line is not digital silence."""


class Handset:
    """Sound that waits to be said, over a line's noise; 20 ms leave at a time."""

    def __init__(self, seed: int) -> None:
        draw = np.random.default_rng(seed)
        noise = draw.normal(0.0, NOISE_LEVEL, 10 * RATE_HZ)
        self._noise = np.rint(noise).astype(np.int16)
        self._place = 0
        self._waiting = np.zeros(0, np.int16)
        self._said = asyncio.Event()

    async def say(self, samples: NDArray[np.int16], rate_hz: int = 16_000) -> None:
        """Returns when the last of it has left."""
        line = np.asarray(soxr.resample(samples, rate_hz, RATE_HZ), np.int16)
        self._waiting = np.concatenate([self._waiting, line])
        self._said.clear()
        await self._said.wait()

    def hush(self) -> None:
        """Break off."""
        self._waiting = np.zeros(0, np.int16)
        self._said.set()

    def take(self) -> bytes:
        place = self._place % (len(self._noise) - BLOCK_SAMPLES)
        block = self._noise[place : place + BLOCK_SAMPLES].copy()
        self._place += BLOCK_SAMPLES
        said = self._waiting[:BLOCK_SAMPLES]
        block[: len(said)] += said
        self._waiting = self._waiting[BLOCK_SAMPLES:]
        if not len(self._waiting):
            self._said.set()
        return encode(block)
