"""Streams side by side, padded to one length, with their features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from interject.model_runtime.network.features import StreamingLogMel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.network.architecture import FeatureConfig
    from interject.training.nano.scene import Scene
    from interject.training.nano.targets import Target


@dataclass(frozen=True, slots=True)
class PaddedBatch:
    """`mel` is [streams * chunks, bins, 40] in bfloat16; the rest is [streams, ...]."""

    mel: Tensor
    ids: Tensor
    labels: Tensor
    audio_at: Tensor
    decision_at: Tensor
    respond: Tensor
    recent_sounds: Tensor
    recent_words: Tensor
    phones: Tensor
    active: Tensor

    @property
    def seconds(self) -> float:
        return len(self.mel) * 0.4


def stream_features(
    sound: np.ndarray[tuple[int], np.dtype[np.float32]], config: FeatureConfig
) -> Tensor:
    """What a stream's features would be, chunk by chunk: [chunks, bins, 40]."""
    return StreamingLogMel(config).push(torch.from_numpy(sound))


def collate(
    scenes: Sequence[Scene], targets: Sequence[Target], config: FeatureConfig
) -> PaddedBatch:
    """:raises ValueError: when the scenes differ in length."""
    if len({scene.chunks for scene in scenes}) != 1:
        raise ValueError("all scenes of a batch must have the same number of chunks")
    longest = -(-max(len(target.ids) for target in targets) // 32) * 32
    rows = len(targets)
    ids = np.zeros((rows, longest), np.int64)
    labels = np.full((rows, longest), -1, np.int64)
    for row, target in enumerate(targets):
        ids[row, : len(target.ids)] = target.ids
        labels[row, : len(target.labels)] = target.labels
    return PaddedBatch(
        mel=torch.cat([stream_features(scene.sound, config) for scene in scenes]).bfloat16(),
        ids=torch.from_numpy(ids),
        labels=torch.from_numpy(labels),
        audio_at=torch.from_numpy(np.stack([t.audio_at for t in targets])),
        decision_at=torch.from_numpy(np.stack([t.decision_at for t in targets])),
        respond=torch.from_numpy(np.stack([t.respond for t in targets])),
        recent_sounds=torch.from_numpy(np.stack([t.recent_sounds for t in targets])),
        recent_words=torch.from_numpy(np.stack([t.recent_words for t in targets])),
        phones=torch.from_numpy(np.stack([s.phones for s in scenes]).astype(np.int64)),
        active=torch.from_numpy(np.stack([s.active for s in scenes]).astype(np.float32)),
    )
