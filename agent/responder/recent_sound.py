"""The sound since the last reply, in memory only."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import FRAME_S, SAMPLE_BYTES, SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from interject.model_runtime.protocol import Frame


class RecentSound:
    """The last `most_s` seconds of it."""

    def __init__(self, most_s: float) -> None:
        self._frames: deque[Frame] = deque(maxlen=max(1, int(most_s / FRAME_S)))

    def push(self, frame: Frame) -> None:
        self._frames.append(frame)

    def take(self, last_seq: int) -> bytes:
        """What was heard up to that frame; it is given once."""
        taken = []
        while self._frames and self._frames[0].seq <= last_seq:
            taken.append(self._frames.popleft().pcm)
        return b"".join(taken)

    def forget(self) -> None:
        self._frames.clear()


def seconds_of(pcm: bytes) -> float:
    return len(pcm) / SAMPLE_BYTES / SAMPLE_RATE_HZ
