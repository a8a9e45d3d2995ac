"""The agent's voice as a WebRTC track: a frame every 20 ms, whether anything is said or not."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RATE_HZ = 48_000
FRAME_SAMPLES = 960
FRAME_S = FRAME_SAMPLES / RATE_HZ
MOST_BEHIND_S = 0.2
"""After a longer standstill of the event loop its frames are left out instead of sent at once."""


class SpeakingTrack(MediaStreamTrack):
    """`take(960)` gives the next samples at 48 kHz, as many as there are; silence fills the rest.

    The monotonic clock paces it: a sleep that ends late makes the next one shorter.
    """

    kind = "audio"

    def __init__(
        self,
        take: Callable[[int], NDArray[np.int16]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._take = take
        self._clock = clock
        self._started_at: float | None = None
        self._frames = 0
        self.skipped_frames = 0

    async def recv(self) -> AudioFrame:
        """:raises MediaStreamError: once the track is stopped."""
        await self._until_due()
        if self.readyState != "live":
            raise MediaStreamError
        samples = np.zeros(FRAME_SAMPLES, np.int16)
        said = self._take(FRAME_SAMPLES)
        samples[: len(said)] = said
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = self._frames * FRAME_SAMPLES
        frame.time_base = Fraction(1, RATE_HZ)
        self._frames += 1
        return frame

    async def _until_due(self) -> None:
        now = self._clock()
        if self._started_at is None:
            self._started_at = now
        wait_s = self._started_at + self._frames * FRAME_S - now
        if wait_s < -MOST_BEHIND_S:
            skipped = int(-wait_s / FRAME_S)
            self.skipped_frames += skipped
            self._frames += skipped
        elif wait_s > 0:
            await asyncio.sleep(wait_s)
