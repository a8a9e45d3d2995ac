"""What somebody says, out of the frames of a track."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np
from aiortc.mediastreams import MediaStreamError

from interject.agent.resample import Resampler
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiortc import MediaStreamTrack
    from av import AudioFrame
    from numpy.typing import NDArray

MOST_FILLED_S = 0.2
"""A longer hole is a pause: nobody waits for its sound, and the framing's clock goes on."""


class IncomingAudio:
    """Mono at 16 kHz. Lost frames vanish without a trace but for the time stamps of the next, so
    silence takes their place: nothing that follows comes too early.
    """

    def __init__(self) -> None:
        self._resampler = Resampler(SAMPLE_RATE_HZ)
        self._ends_at: Fraction | None = None
        self.filled_samples = 0

    async def read(
        self, track: MediaStreamTrack, hear: Callable[[NDArray[np.int16]], None]
    ) -> None:
        """Until the track ends. Its queue has no bound, so this never waits for anything else; but
        what piled up in it while the event loop stood still does not hold that up again.
        """
        while True:
            try:
                frame = cast("AudioFrame", await track.recv())
            except MediaStreamError:
                return
            hear(self.samples(frame))
            await asyncio.sleep(0)

    def samples(self, frame: AudioFrame) -> NDArray[np.int16]:
        rate, channels = frame.sample_rate, frame.layout.nb_channels
        if (rate, channels) != (self._resampler.rate_hz, self._resampler.channels):
            self._resampler = Resampler(rate, channels)
        sound = frame.to_ndarray().reshape(-1)
        missing = self._missing(frame)
        if missing:
            self.filled_samples += missing
            sound = np.concatenate([np.zeros(missing * channels, sound.dtype), sound])
        return self._resampler.push(sound)

    def _missing(self, frame: AudioFrame) -> int:
        """How many samples, at its own rate, are missing in front of a frame."""
        if frame.pts is None or frame.time_base is None:
            return 0
        base = Fraction(frame.time_base.numerator, frame.time_base.denominator)
        begins_at, expected = frame.pts * base, self._ends_at
        self._ends_at = begins_at + Fraction(frame.samples, frame.sample_rate)
        if expected is None or not 0 < begins_at - expected <= MOST_FILLED_S:
            return 0
        return round((begins_at - expected) * frame.sample_rate)
