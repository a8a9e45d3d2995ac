"""Sound on its way out of the pipeline, which is never held up for it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.resample import Resampler
from interject.model_runtime.protocol import SAMPLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

MOST_WAITING = 512
"""Pieces of 10 to 40 ms from everybody: a standstill of several seconds."""
MOST_SPEAKERS = 64


@dataclass(frozen=True, slots=True)
class _Piece:
    identity: str
    audio: bytes = field(repr=False)
    rate_hz: int
    channels: int


class AudioIntake:
    """`hear` gets each speaker's sound in order, at 16 kHz mono."""

    def __init__(self, hear: Callable[[str, NDArray[np.int16]], None]) -> None:
        self._hear = hear
        self._waiting: deque[_Piece] = deque()
        self._filled = asyncio.Event()
        self._resamplers: dict[str, Resampler] = {}
        self.dropped = 0
        """Pieces that came faster than they could be taken, and those that are no sound."""

    def put(self, identity: str, audio: bytes, rate_hz: int, channels: int) -> None:
        """Return at once; the oldest piece gives way in a line that is full."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._drop()
        self._waiting.append(_Piece(identity, audio, rate_hz, channels))
        self._filled.set()

    async def run(self) -> None:
        """Until cancelled. Others run between two pieces."""
        while True:
            while self._waiting:
                self._take(self._waiting.popleft())
                await asyncio.sleep(0)
            self._filled.clear()
            await self._filled.wait()

    def _take(self, piece: _Piece) -> None:
        try:
            resampler = self._resampler(piece)
        except ValueError:
            self._drop()
            return
        whole = len(piece.audio) - len(piece.audio) % (SAMPLE_BYTES * piece.channels)
        sound = np.frombuffer(piece.audio[:whole], "<i2").astype(np.int16)
        self._hear(piece.identity, resampler.push(sound))

    def _resampler(self, piece: _Piece) -> Resampler:
        found = self._resamplers.get(piece.identity)
        if found is None or (found.rate_hz, found.channels) != (piece.rate_hz, piece.channels):
            if found is None and len(self._resamplers) >= MOST_SPEAKERS:
                del self._resamplers[next(iter(self._resamplers))]
            found = self._resamplers[piece.identity] = Resampler(piece.rate_hz, piece.channels)
        return found

    def _drop(self) -> None:
        if not self.dropped:
            logger.warning("A pipeline's sound is dropped")
        self.dropped += 1
