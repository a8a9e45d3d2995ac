"""A session's queue: what was heard and is not yet decided."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.features import StreamFeatures, clamp_and_scale, log_mel
from interject.model_runtime.protocol import Frame, Gap, GapReason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from interject.model_runtime.architecture import FeatureConfig
    from interject.model_runtime.encoder import AudioTower

MAX_BACKLOG_FRAMES = 150


@dataclass(slots=True)
class HeardChunk:
    """A frame in the queue; `embeddings` [10, width] are there once it was encoded."""

    frame: Frame
    arrived_at: float
    window: Tensor
    embeddings: Tensor | None = None


class Hearing:
    """Frames in order, each exactly once; what never came or was shed is reported as a gap."""

    def __init__(
        self,
        session_id: str,
        config: FeatureConfig,
        emit: Callable[[Gap], None],
        *,
        loudest: float,
    ) -> None:
        self.queue: deque[HeardChunk] = deque()
        self.features = StreamFeatures(config, loudest=loudest)
        self.duplicates = 0
        self._session_id = session_id
        self._emit = emit
        self._next_seq = 0

    def hear(self, frame: Frame, now: float) -> None:
        """Queue a frame; report what was skipped, drop what was heard already."""
        if frame.seq < self._next_seq:
            self.duplicates += 1
            return
        missing = frame.seq - self._next_seq
        if missing:
            self._emit(Gap(self._session_id, self._next_seq, missing, GapReason.MISSING))
            self.features.forget_context()
        self._next_seq = frame.seq + 1
        window = self.features.window(_samples(frame.pcm), _samples(frame.lookahead))
        self.queue.append(HeardChunk(frame, now, window))
        if len(self.queue) > MAX_BACKLOG_FRAMES:
            shed = self.queue.popleft()
            self._emit(Gap(self._session_id, shed.frame.seq, 1, GapReason.OVERLOAD))

    def unencoded(self) -> list[HeardChunk]:
        """Queued chunks without embeddings, oldest first."""
        return [chunk for chunk in self.queue if chunk.embeddings is None]


def encode(
    work: Sequence[tuple[Hearing, Sequence[HeardChunk]]],
    tower: AudioTower,
    config: FeatureConfig,
) -> None:
    """Give chunks of many sessions their embeddings in one batch.

    Each session's chunks come oldest first: its running maximum passes from one to the next.
    """
    weight = tower.proj.weight
    windows = torch.stack([chunk.window for _, chunks in work for chunk in chunks])
    spectra = log_mel(windows.to(weight.device), config)
    peaks = spectra.amax(dim=(-2, -1)).tolist()
    loudest: list[float] = []
    for hearing, chunks in work:
        for _ in chunks:
            loudest.append(hearing.features.raise_loudest(peaks[len(loudest)]))
    ceiling = torch.tensor(loudest, device=spectra.device)[:, None, None]
    mel = clamp_and_scale(spectra, ceiling, config).to(weight.dtype)
    embeddings = iter(tower(mel))
    for _, chunks in work:
        for chunk in chunks:
            chunk.embeddings = next(embeddings)


def _samples(pcm: bytes) -> Tensor:
    if not pcm:
        return torch.zeros(0)
    return torch.frombuffer(bytearray(pcm), dtype=torch.int16).float() / 32768.0
