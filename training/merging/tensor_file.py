"""A safetensors file written a block at a time: the library's own writer wants all in memory."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import torch

from interject.model_runtime.checkpoint.tensors import FLOATS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

ALIGNMENT = 8
_NAMES = {dtype: name for name, dtype in FLOATS.items()}


@dataclass(frozen=True, slots=True)
class PlannedTensor:
    """What a tensor of the file will be."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def size_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def header(tensors: Sequence[PlannedTensor]) -> bytes:
    """The begin of the file. The tensors' bytes follow in this order, without holes."""
    entries, at = {}, 0
    for tensor in tensors:
        entries[tensor.name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, at + tensor.size_bytes],
        }
        at += tensor.size_bytes
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return struct.pack("<Q", len(text)) + text


def write_block(file: BinaryIO, block: Tensor) -> None:
    file.write(block.contiguous().flatten().view(torch.uint8).numpy().data)
