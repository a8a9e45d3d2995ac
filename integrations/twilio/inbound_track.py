"""One voice of a stream as it arrives: in order, and with its holes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.integrations.twilio.quick_resampler import QuickResampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.integrations.twilio.messages import MediaChunk
    from interject.integrations.twilio.sound_codec import SoundCodec

SMALLEST_GAP_MS = 20
LONGEST_FILL_MS = 100
"""So long a mixer waits for a voice. A longer hole is silent already: the clock has gone on, and
silence behind it would only make everything later late."""
NEW_TIME_MS = 2_000
"""Time stamps that jump back by more have begun anew."""


class InboundTrack:
    """Makes 16 kHz of each chunk, with one resampler for the whole call.

    Time stamps say where a chunk belongs: what is missing before it becomes silence, and what comes
    twice or too late is dropped.
    """

    def __init__(self, codec: SoundCodec) -> None:
        self._codec = codec
        self._resampler = QuickResampler(codec.rate_hz)
        self._newest = -1
        self._newest_ms = 0
        self._ends_ms: float | None = None
        self.gap_ms = 0.0
        self.gaps = 0
        self.late_chunks = 0

    def hear(self, chunk: MediaChunk) -> NDArray[np.int16]:
        """:raises ValueError: when it ends in the middle of a sample."""
        samples = self._codec.decode(chunk.payload)
        if self._came_before(chunk) or self._too_late(chunk):
            self.late_chunks += 1
            return np.zeros(0, np.int16)
        self._newest, self._newest_ms = chunk.number, chunk.timestamp_ms
        missing = self._missing_samples(chunk)
        self._ends_ms = chunk.timestamp_ms if self._ends_ms is None else self._ends_ms
        self._ends_ms += (missing + len(samples)) * 1_000 / self._codec.rate_hz
        return self._resampler.push(np.concatenate([np.zeros(missing, np.int16), samples]))

    def _came_before(self, chunk: MediaChunk) -> bool:
        """Numbers that begin anew come with a later time stamp, or with one that begins anew."""
        later_ms = chunk.timestamp_ms - self._newest_ms
        return chunk.number <= self._newest and -NEW_TIME_MS <= later_ms <= 0

    def _too_late(self, chunk: MediaChunk) -> bool:
        if self._ends_ms is None:
            return False
        behind_ms = self._ends_ms - chunk.timestamp_ms
        if behind_ms > NEW_TIME_MS:
            self._ends_ms = None
        return SMALLEST_GAP_MS <= behind_ms <= NEW_TIME_MS

    def _missing_samples(self, chunk: MediaChunk) -> int:
        if self._ends_ms is None:
            return 0
        missing_ms = chunk.timestamp_ms - self._ends_ms
        if missing_ms < SMALLEST_GAP_MS:
            return 0
        self.gaps += 1
        self.gap_ms += missing_ms
        if missing_ms > LONGEST_FILL_MS:
            self._ends_ms = chunk.timestamp_ms
            return 0
        return round(missing_ms * self._codec.rate_hz / 1_000)
