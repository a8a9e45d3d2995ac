"""A session's queue: what was heard and is not yet decided."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from interject.model_runtime.engine.snapshot import AudioCursor
from interject.model_runtime.network.features import LEFT_CONTEXT_SAMPLES, StreamFeatures
from interject.model_runtime.network.transfer import HostCopy
from interject.model_runtime.protocol import FRAME_SAMPLES, Frame, Gap, GapReason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from interject.model_runtime.network.architecture import FeatureConfig
    from interject.model_runtime.network.backend import Backend

MAX_BACKLOG_FRAMES = 150
_SCALE = np.float32(1 / 32768)


@dataclass(slots=True)
class QueuedChunk:
    """A frame in the queue.

    `embeddings` [`chunk_embeddings`, width], and the maximum `loudest_before` it, are there once it
    was encoded. What is kept for longer than a step is kept on the host.
    """

    frame: Frame
    arrived_at: float
    window: Tensor
    embeddings: Tensor | None = None
    loudest_before: float | None = None


class AudioQueue:
    """Frames in order, each exactly once; what never came or was shed is reported as a gap."""

    def __init__(
        self,
        session_id: str,
        config: FeatureConfig,
        emit: Callable[[Gap, bool], None],
        *,
        loudest: float,
    ) -> None:
        self.chunks: deque[QueuedChunk] = deque()
        self.features = StreamFeatures(config, loudest=loudest)
        self.duplicates = 0
        self._session_id = session_id
        self._emit = emit
        self.next_seq = 0
        self._latest: Tensor | None = None

    @property
    def full(self) -> bool:
        """Whether the next frame drops the oldest."""
        return len(self.chunks) >= MAX_BACKLOG_FRAMES

    def push(self, frame: Frame, now: float, *, limit: int = MAX_BACKLOG_FRAMES) -> None:
        """Queue a frame; report what was skipped, drop what was heard already."""
        if frame.seq < self.next_seq:
            self.duplicates += 1
            return
        missing = frame.seq - self.next_seq
        if missing:
            self._emit(Gap(self._session_id, self.next_seq, missing, GapReason.MISSING), False)
            self.features.forget_context()
        self.next_seq = frame.seq + 1
        self._latest = self.features.window(_samples(frame.pcm), _samples(frame.lookahead))
        self.chunks.append(QueuedChunk(frame, now, self._latest))
        if len(self.chunks) > limit:
            self.shed()

    def shed(self) -> None:
        """Drop the oldest frame, and say so: whether its loudness had an effect, too."""
        shed = self.chunks.popleft()
        gap = Gap(self._session_id, shed.frame.seq, 1, GapReason.OVERLOAD)
        self._emit(gap, shed.embeddings is not None)

    def skip_encoding(self, seqs: set[int]) -> None:
        """Do not encode these frames: they are only there to be dropped again."""
        for chunk in self.chunks:
            if chunk.frame.seq in seqs:
                chunk.embeddings = torch.empty(0)

    def unencoded(self) -> list[QueuedChunk]:
        """Queued chunks without embeddings, oldest first."""
        return [chunk for chunk in self.chunks if chunk.embeddings is None]

    def skip_to(self, seq: int) -> bool:
        """Drop queued chunks before `seq`; whether that one is next."""
        while self.chunks and self.chunks[0].frame.seq < seq:
            self.chunks.popleft()
        return bool(self.chunks) and self.chunks[0].frame.seq == seq

    def cursor(self) -> AudioCursor:
        """How to go on from the oldest queued chunk."""
        if self.chunks:
            first = self.chunks[0]
            before = first.loudest_before
            loudest = self.features.loudest if before is None else before
            return AudioCursor(first.frame.seq, first.window[:LEFT_CONTEXT_SAMPLES], loudest)
        end = FRAME_SAMPLES + LEFT_CONTEXT_SAMPLES
        left = None if self._latest is None else self._latest[FRAME_SAMPLES:end]
        return AudioCursor(self.next_seq, left, self.features.loudest)

    def resume(self, cursor: AudioCursor) -> None:
        """Go on from there."""
        self.next_seq = cursor.next_seq
        self.features.loudest = cursor.loudest
        if cursor.left_context is not None:
            past = torch.nn.functional.pad(
                cursor.left_context, (FRAME_SAMPLES - LEFT_CONTEXT_SAMPLES, 0)
            )
            self._latest = self.features.window(past, torch.zeros(0))


class Encoding:
    """Chunks of many sessions that are encoded in one batch. Their embeddings may be fed at once;
    how loud each session was so far is known once `take` was called.

    Each session's chunks come oldest first: its running maximum passes from one to the next.
    """

    def __init__(
        self, work: Sequence[tuple[AudioQueue, Sequence[QueuedChunk]]], backend: Backend
    ) -> None:
        work = [one for one in work if one[1]]
        self._queued = [(audio.features, chunk) for audio, chunks in work for chunk in chunks]
        heard = backend.encode(
            torch.stack([chunk.window for _, chunk in self._queued]),
            [session for session, (_, chunks) in enumerate(work) for _ in chunks],
            [audio.features.loudest for audio, _ in work],
        )
        self._loudest = heard.loudest
        self._on_host = None if heard.embeddings.is_cpu else HostCopy(heard.embeddings)
        for (_, chunk), embeddings in zip(self._queued, heard.embeddings, strict=True):
            chunk.embeddings = embeddings

    def take(self) -> None:
        """Wait for it."""
        loudest = self._loudest.take().tolist()
        for (features, chunk), loudest_so_far in zip(self._queued, loudest, strict=True):
            chunk.loudest_before = features.loudest
            features.loudest = loudest_so_far
        if self._on_host is not None:
            for (_, chunk), embeddings in zip(self._queued, self._on_host.take(), strict=True):
                chunk.embeddings = embeddings.clone()


def _samples(pcm: bytes) -> Tensor:
    """In NumPy, which takes a third of the time for so few: this is done for each frame."""
    return torch.from_numpy(np.frombuffer(pcm, "<i2") * _SCALE)
