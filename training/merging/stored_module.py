"""A module's parameters as they lie on disk, in any layout, read some rows at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.checkpoint import native, released
from interject.model_runtime.checkpoint.assembly import Part, check_shapes, copy_rows
from interject.model_runtime.checkpoint.tensors import PickleSource, SafetensorsSource
from interject.model_runtime.network.decoder import Decoder
from interject.model_runtime.network.encoder import AudioTower
from interject.training.merging.hugging_face import is_hugging_face, text_parts, text_source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from torch import Tensor, nn

    from interject.model_runtime.checkpoint.tensors import TensorSource
    from interject.model_runtime.network.architecture import DecoderShape, TowerShape


@dataclass(frozen=True, slots=True)
class StoredModule:
    """`shapes` by the names that the parameters have in our modules."""

    source: TensorSource
    shapes: dict[str, tuple[int, ...]]
    parts: dict[str, list[Part]]

    def dtype(self, name: str) -> torch.dtype:
        """The type of a parameter that is stored; one that is not is zeros, of any type."""
        parts = self.parts.get(name)
        return self.source.dtype(parts[0].source) if parts else torch.float32

    def rows(self, name: str, first: int, count: int) -> Tensor:
        """float32 [count, ...]"""
        value = torch.zeros((count, *self.shapes[name][1:]))
        copy_rows(self.parts.get(name, ()), self.source, first, value)
        return value


def stored_decoder(directory: Path, shape: DecoderShape) -> StoredModule:
    """:raises CheckpointError: when a tensor is missing or has another shape."""
    with torch.device("meta"):
        module = Decoder(shape)
    if native.is_native(directory):
        return _native(directory, module, "decoder.")
    if is_hugging_face(directory):
        text = text_source(directory)
        return _stored(module, text_parts(shape, text), text)
    source = released.decoder_source(directory)
    return _stored(module, released.decoder_parts(shape, source), source)


def stored_tower(directory: Path, shape: TowerShape) -> StoredModule:
    """With the adapter. :raises CheckpointError: when a tensor is missing or has another shape."""
    with torch.device("meta"):
        module = AudioTower(shape)
    if native.is_native(directory):
        return _native(directory, module, "tower.")
    source = PickleSource(directory / released.TOWER_WEIGHTS)
    return _stored(module, released.tower_parts(shape), source)


def _native(directory: Path, module: nn.Module, prefix: str) -> StoredModule:
    source = SafetensorsSource.single(directory / native.WEIGHTS_FILE)
    parts = [Part(prefix + name, name) for name, _ in module.named_parameters()]
    return _stored(module, parts, source)


def _stored(module: nn.Module, parts: Iterable[Part], source: TensorSource) -> StoredModule:
    shapes = {name: tuple(p.shape) for name, p in module.named_parameters()}
    by_target: dict[str, list[Part]] = {}
    for part in parts:
        by_target.setdefault(part.target, []).append(part)
    check_shapes(shapes, by_target, source)
    return StoredModule(source, shapes, by_target)
