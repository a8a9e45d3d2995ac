"""One voice of a stream as it arrives: in order, and with its holes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.integrations.twilio.chunk_order import ChunkOrder
from interject.integrations.twilio.quick_resampler import QuickResampler
from interject.integrations.twilio.timestamp_lag import TimestampLag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.integrations.twilio.messages import MediaChunk
    from interject.integrations.twilio.sound_codec import SoundCodec

LONGEST_FILL_MS = 100
"""So long a mixer waits for a voice. A longer hole is silent already: the clock has gone on, and
silence behind it would only make everything later late."""

MOST_FALSE_HOLES = 5


class InboundTrack:
    """Makes 16 kHz of each chunk, with one resampler for the whole call.

    What comes is heard, whatever its time stamp says; only what comes twice, or after it was taken
    for lost, is dropped. Chunks that are missing by their numbers, and about as long by the time
    stamps, become silence. Sound that is missing by the time stamps alone is counted once they
    have said so for two seconds: until then it could be jitter, and then its place is long over.
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

    def hear(self, chunk: MediaChunk) -> NDArray[np.int16]:
        """:raises ValueError: when it ends in the middle of a sample."""
        self._codec.decode(chunk.payload)  # One that cannot be read leaves a hole.
        ready = [self._placed(missing, one) for missing, one in self._order.push(chunk)]
        if not ready:
            return np.zeros(0, np.int16)
        return self._resampler.push(np.concatenate(ready))

    def _placed(self, missing: int, chunk: MediaChunk) -> NDArray[np.int16]:
        samples = self._codec.decode(chunk.payload)
        length_ms = len(samples) * 1_000 / self._codec.rate_hz
        hole_ms = missing * length_ms
        fill_ms = 0.0
        if hole_ms and self._lag.jump_ms(chunk.timestamp_ms) < hole_ms / 2:
            self._disbelieve()
        elif hole_ms:
            self._lag.skip(hole_ms)
            self._count(hole_ms)
            fill_ms = hole_ms if hole_ms <= LONGEST_FILL_MS else 0.0
        self._count(self._lag.add(chunk.timestamp_ms, length_ms))
        silence = np.zeros(round(fill_ms * self._codec.rate_hz / 1_000), np.int16)
        return np.concatenate([silence, samples])

    def _disbelieve(self) -> None:
        """Waiting for chunks that are only numbered otherwise would delay every one."""
        self._false_holes += 1
        if self._false_holes >= MOST_FALSE_HOLES:
            self._order.wait_no_more()

    def _count(self, gap_ms: float) -> None:
        if gap_ms:
            self.gaps += 1
            self.gap_ms += gap_ms
