"""A frozen tower's states of each sequence, kept on disk."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from interject.training.fine_tuning.disk import writing
from interject.training.sequences.hearing import DirectHearing

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.network.encoder import AudioTower
    from interject.training.sequences.sequence import TrainingSequence

_STATES = "states"
_ADAPTER = ("proj.", "grouping.")


class CachedHearing:
    """Computes what is not there yet. The adapter above may be trained: it reads these states.

    A name is a hash of all that decides about the states: sound, layout, tower, features, and the
    numbers in which they are computed. What cannot be read is computed again.
    """

    def __init__(self, model: Model, folder: Path, *, precision: str) -> None:
        self._direct = DirectHearing(model.config)
        self._folder = folder
        self._tower = _tower_digest(model, precision)

    def states(self, tower: AudioTower, sequence: TrainingSequence) -> Tensor:
        """What `tower.adapt` reads, on the tower's device."""
        path = self._path(sequence)
        device = tower.proj.weight.device
        try:
            return load_file(path)[_STATES].to(device)
        except (OSError, SafetensorError, KeyError):
            states = self._direct.states(tower, sequence)
        part = path.with_suffix(f".{os.getpid()}.part")
        with writing(path, kept="with `cache: false` nothing is kept there"):
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(save({_STATES: states.detach().float().cpu().contiguous()}))
            part.replace(path)
        return states

    def _path(self, sequence: TrainingSequence) -> Path:
        digest = hashlib.sha256(self._tower)
        digest.update(sequence.mode.encode())
        digest.update(sequence.sound.tobytes())
        name = digest.hexdigest()
        return self._folder / name[:2] / f"{name[2:]}.safetensors"


def _tower_digest(model: Model, precision: str) -> bytes:
    config = model.config
    digest = hashlib.sha256(
        repr((config.features, config.tower, config.offline_window_chunks, precision)).encode()
    )
    for name, parameter in model.tower.named_parameters():
        if not name.startswith(_ADAPTER):
            digest.update(name.encode())
            digest.update(parameter.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.digest()
