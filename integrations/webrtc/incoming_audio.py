"""What somebody says, out of the frames of a track."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from aiortc.mediastreams import MediaStreamError

from interject.agent.resample import Resampler
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from aiortc import MediaStreamTrack
    from av import AudioFrame
    from numpy.typing import NDArray


class IncomingAudio:
    """Mono at 16 kHz, in pieces, each with how many samples are missing before it: lost frames
    vanish without a trace but for the time stamps of the next.
    """

    def __init__(self) -> None:
        self._resampler = Resampler(SAMPLE_RATE_HZ)
        self._ends_at: Fraction | None = None

    async def read(
        self, track: MediaStreamTrack, hear: Callable[[NDArray[np.int16], int], None]
    ) -> None:
        """Until the track ends. Its queue has no bound, so this never waits for anything else; but
        what piled up in it while the event loop stood still does not hold that up again.
        """
        while True:
            try:
                frame = cast("AudioFrame", await track.recv())
            except MediaStreamError:
                return
            for samples, missing in self.pieces(frame):
                hear(samples, missing)
            await asyncio.sleep(0)

    def pieces(self, frame: AudioFrame) -> Iterator[tuple[NDArray[np.int16], int]]:
        """Where something is missing, what the resampler still holds comes from before that."""
        rate, channels = frame.sample_rate, frame.layout.nb_channels
        missing = self._missing(frame)
        if missing or (rate, channels) != (self._resampler.rate_hz, self._resampler.channels):
            if len(rest := self._resampler.finish()):
                yield rest, 0
            self._resampler = Resampler(rate, channels)
        yield self._resampler.push(frame.to_ndarray().reshape(-1)), missing

    def _missing(self, frame: AudioFrame) -> int:
        if frame.pts is None or frame.time_base is None:
            return 0
        begins_at = frame.pts * Fraction(frame.time_base.numerator, frame.time_base.denominator)
        expected, self._ends_at = (
            self._ends_at,
            begins_at + Fraction(frame.samples, frame.sample_rate),
        )
        return 0 if expected is None else max(0, round((begins_at - expected) * SAMPLE_RATE_HZ))
