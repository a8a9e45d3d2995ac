"""One voice of a stream as it arrives: in order, and with its holes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.integrations.audio.quick_resampler import QuickResampler
from interject.integrations.twilio.chunk_order import ChunkOrder
from interject.integrations.twilio.timestamp_lag import TimestampLag
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from interject.integrations.twilio.messages import MediaChunk
    from interject.integrations.twilio.sound_codec import SoundCodec

MOST_FALSE_HOLES = 5


class InboundTrack:
    """Makes 16 kHz of each chunk, with one resampler from one hole to the next.

    What comes is heard, whatever its time stamp says; only what comes twice, or after it was taken
    for lost, is dropped. Of chunks that are missing by their numbers, and about as long by the time
    stamps, it is told how many samples they had. Sound that is missing by the time stamps alone is
    counted once they have said so for two seconds: until then it could be jitter, and then its
    place is long over.
    """

    def __init__(self, codec: SoundCodec) -> None:
        self._codec = codec
        self._resampler = QuickResampler(codec.rate_hz)
        self._order = ChunkOrder()
        self._lag = TimestampLag()
        self._false_holes = 0
        self.gap_ms = 0.0
        self.gaps = 0

    @property
    def late_chunks(self) -> int:
        return self._order.dropped

    def hear(self, chunk: MediaChunk) -> list[tuple[NDArray[np.int16], int]]:
        """Pieces at 16 kHz, each with how many samples are missing before it.

        :raises ValueError: when the chunk ends in the middle of a sample.
        """
        self._codec.decode(chunk.payload)  # One that cannot be read leaves a hole.
        ready = [self._placed(missing, one) for missing, one in self._order.push(chunk)]
        return [piece for samples, hole in ready for piece in self._pieces(samples, hole)]

    def _placed(self, missing: int, chunk: MediaChunk) -> tuple[NDArray[np.int16], int]:
        samples = self._codec.decode(chunk.payload)
        length_ms = len(samples) * 1_000 / self._codec.rate_hz
        hole_ms = missing * length_ms
        if hole_ms and self._lag.jump_ms(chunk.timestamp_ms) < hole_ms / 2:
            self._disbelieve()
            hole_ms = 0.0
        self._lag.skip(hole_ms)
        self._count(hole_ms)
        self._count(self._lag.add(chunk.timestamp_ms, length_ms))
        return samples, round(hole_ms * SAMPLE_RATE_HZ / 1_000)

    def _pieces(
        self, samples: NDArray[np.int16], hole: int
    ) -> Iterator[tuple[NDArray[np.int16], int]]:
        """What the resampler still holds comes from before the hole."""
        if hole and len(rest := self._resampler.finish()):
            yield rest, 0
        if len(made := self._resampler.push(samples)) or hole:
            yield made, hole

    def _disbelieve(self) -> None:
        """Waiting for chunks that are only numbered otherwise would delay every one."""
        self._false_holes += 1
        if self._false_holes >= MOST_FALSE_HOLES:
            self._order.wait_no_more()

    def _count(self, gap_ms: float) -> None:
        if gap_ms:
            self.gaps += 1
            self.gap_ms += gap_ms
