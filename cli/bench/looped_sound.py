"""The sound that load is made of: one recording that many rooms share."""

from __future__ import annotations

from dataclasses import dataclass

from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_BYTES,
    Frame,
)

_LONGEST_CUT = FRAME_SAMPLES * SAMPLE_BYTES


class LoopedSound:
    """16-bit PCM at 16 kHz, repeated without end.

    :raises ValueError: when it holds no sample.
    """

    def __init__(self, pcm: bytes) -> None:
        self.samples = len(pcm) // SAMPLE_BYTES
        if not self.samples:
            raise ValueError("a recording holds at least one sample")
        whole = pcm[: self.samples * SAMPLE_BYTES]
        self._size = len(whole)
        again = whole * (_LONGEST_CUT // self._size + 1)
        self._pcm = whole + again[:_LONGEST_CUT]

    def cut(self, first_sample: int, samples: int) -> bytes:
        """At most one frame, from any place."""
        first = first_sample * SAMPLE_BYTES % self._size
        return self._pcm[first : first + samples * SAMPLE_BYTES]


@dataclass(frozen=True, slots=True)
class RoomSound:
    """Endless frames that begin at a place of their own in a recording."""

    recording: LoopedSound
    first_sample: int

    def frame(self, seq: int, captured_at: float) -> Frame:
        """The 400 ms that begin at `seq` times 400 ms."""
        first = self.first_sample + seq * FRAME_SAMPLES
        return Frame(
            seq=seq,
            captured_at=captured_at,
            pcm=self.recording.cut(first, FRAME_SAMPLES),
            lookahead=self.recording.cut(first + FRAME_SAMPLES, LOOKAHEAD_SAMPLES),
        )
