"""Streams side by side: as processes hand them over, then padded, on the device, with features."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interject.model_runtime.network.features import (
    LEFT_CONTEXT_SAMPLES,
    WINDOW_SAMPLES,
    clamp_and_scale,
    log_mel,
)
from interject.model_runtime.protocol import FRAME_S, FRAME_SAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.network.architecture import FeatureConfig
    from interject.training.nano.scene import Scene
    from interject.training.nano.targets import Target
    from interject.training.speech.utterance import Pcm

_FULL_SCALE = 32_768
_PADDED_TO = 32
_STREAMS_IN_CACHE = 2
"""Whose features a core computes at once: of more, its cache holds too little."""


@dataclass(frozen=True, slots=True)
class StreamRow:
    """One stream of a batch, but its sound: small enough to go through a pipe."""

    target: Target = field(repr=False)
    phones: np.ndarray[Any, np.dtype[np.int8]] = field(repr=False)
    active: np.ndarray[Any, np.dtype[np.uint8]] = field(repr=False)


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
        return len(self.mel) * FRAME_S


def sound_of(scene: Scene) -> Pcm:
    """[samples]. A scene's sound is in steps of 16 bits already."""
    return np.round(scene.sound * _FULL_SCALE).clip(-_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)


def stream_features(sound: Tensor, config: FeatureConfig) -> Tensor:
    """What features of whole streams would be, chunk by chunk: float32 [streams, samples] with 40
    samples behind the last chunk -> [streams, chunks, bins, 40].
    """
    mirrored = sound[:, 1 : LEFT_CONTEXT_SAMPLES + 1].flip(1)
    windows = torch.cat((mirrored, sound), 1).unfold(1, WINDOW_SAMPLES, FRAME_SAMPLES)
    spectra = log_mel(windows, config)
    loudest = spectra.amax((-2, -1)).cummax(1).values
    return clamp_and_scale(spectra, loudest[..., None, None], config)


def collate(
    rows: Sequence[StreamRow], sound: Tensor, config: FeatureConfig, device: torch.device
) -> PaddedBatch:
    """`sound` is int16 [streams, samples]; features are computed on the device."""
    targets = [row.target for row in rows]
    longest = -(-max(len(target.ids) for target in targets) // _PADDED_TO) * _PADDED_TO
    ids = np.zeros((len(rows), longest), np.int64)
    labels = np.full((len(rows), longest), -1, np.int64)
    for row, target in enumerate(targets):
        ids[row, : len(target.ids)] = target.ids
        labels[row, : len(target.labels)] = target.labels
    arrays = {
        "ids": ids,
        "labels": labels,
        "phones": np.stack([row.phones for row in rows]),
        "active": np.stack([row.active for row in rows]),
    }
    for name in ("audio_at", "decision_at", "respond", "recent_sounds", "recent_words"):
        arrays[name] = np.stack([getattr(target, name) for target in targets])
    placed = {name: _placed(torch.from_numpy(array), device) for name, array in arrays.items()}
    placed["phones"], placed["active"] = placed["phones"].long(), placed["active"].float()
    waves = _placed(sound, device).float() / _FULL_SCALE
    at_once = _STREAMS_IN_CACHE if device.type == "cpu" else len(waves)
    mel = torch.cat([stream_features(part, config) for part in waves.split(at_once)])
    return PaddedBatch(mel=mel.flatten(0, 1).bfloat16(), **placed)


def _placed(tensor: Tensor, device: torch.device) -> Tensor:
    """Pinned memory is copied while the device computes."""
    if device.type != "cuda":
        return tensor
    pinned = tensor if tensor.is_pinned() else tensor.pin_memory()
    return pinned.to(device, non_blocking=True)
