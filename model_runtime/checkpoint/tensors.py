"""Tensors on disk, read a block of rows at a time, so that loading needs no second copy."""

from __future__ import annotations

import json
import pickle
import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import torch
from safetensors import SafetensorError, safe_open

from interject.model_runtime.checkpoint.error import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

_BLOCK_BYTES = 128 * 2**20
FLOATS = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
}  # fmt: skip
"""By the names of safetensors."""


class TensorSource(Protocol):
    """Named tensors somewhere."""

    @property
    def where(self) -> str:
        """The place, for messages."""

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The shape of a tensor, or None when there is no such tensor."""

    def dtype(self, name: str) -> torch.dtype:
        """The type that a tensor is stored as."""

    def copy_rows(self, name: str, first: int, target: Tensor) -> None:
        """Fill `target` [n, ...] from rows first .. first + n of a tensor."""


class SafetensorsSource:
    """One or many safetensors files, mapped into memory only while a block is copied."""

    def __init__(self, files: dict[str, Path], where: Path) -> None:
        self._files = files
        self._where = where

    @classmethod
    def single(cls, path: Path) -> SafetensorsSource:
        """All tensors of one file."""
        with _opened(path) as file:
            return cls(dict.fromkeys(file.keys(), path), path)

    @classmethod
    def sharded(cls, index: Path) -> SafetensorsSource:
        """The shards that an index file names."""
        try:
            weight_map: dict[str, str] = json.loads(index.read_text())["weight_map"]
            files = {name: index.parent / shard for name, shard in weight_map.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{index}: not an index of safetensors shards") from error
        for path in files.values():
            if path.parent != index.parent or path.name == "..":
                raise CheckpointError(f"{index}: names {path}, outside the checkpoint")
        for path in sorted(set(files.values())):
            with _opened(path) as file:
                missing = {n for n, p in files.items() if p == path} - set(file.keys())
            if missing:
                raise CheckpointError(f"{path}: tensor {min(missing)} is missing from this shard")
        return cls(files, index.parent)

    @property
    def where(self) -> str:
        return str(self._where)

    def shape(self, name: str) -> tuple[int, ...] | None:
        path = self._files.get(name)
        if path is None:
            return None
        with _opened(path) as file:
            return tuple(file.get_slice(name).get_shape())

    def dtype(self, name: str) -> torch.dtype:
        with _opened(self._files[name]) as file:
            stored = file.get_slice(name).get_dtype()
        if stored not in FLOATS:
            raise CheckpointError(f"{self._where}: tensor {name} is stored as {stored}, not floats")
        return FLOATS[stored]

    def copy_rows(self, name: str, first: int, target: Tensor) -> None:
        row_bytes = max(1, target[:1].numel() * 4)
        block = max(1, _BLOCK_BYTES // row_bytes)
        for start in range(0, len(target), block):
            end = min(start + block, len(target))
            with _opened(self._files[name]) as file:
                target[start:end] = file.get_slice(name)[first + start : first + end]


def _opened(path: Path) -> safe_open:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file; the checkpoint is incomplete")
    try:
        path.open("rb").close()  # safetensors takes every failure for a file that is not there
        return safe_open(str(path), framework="pt")
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        raise CheckpointError(f"{path}: cannot be read ({why})") from error
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{path}: truncated or not a safetensors file ({error}); download it again"
        ) from error


class PickleSource:
    """A `.pth` state dict. Code in it is never run: anything but tensors is refused."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._copied_bytes = 0

    @cached_property
    def _state(self) -> dict[str, Tensor]:
        if not self._path.is_file():
            raise CheckpointError(f"{self._path}: no such file; the checkpoint is incomplete")
        try:
            state = _load_pickle(self._path)
        except pickle.UnpicklingError as error:
            raise CheckpointError(
                f"{self._path}: holds something other than tensors (code, perhaps) and is refused"
            ) from error
        except Exception as error:  # damaged bytes make PyTorch's reader raise anything
            raise CheckpointError(
                f"{self._path}: truncated or not a PyTorch state dict; download it again"
            ) from error
        if not isinstance(state, dict) or not all(
            isinstance(value, torch.Tensor) for value in state.values()
        ):
            raise CheckpointError(f"{self._path}: is not a plain dictionary of tensors")
        return state

    @property
    def where(self) -> str:
        return str(self._path)

    def shape(self, name: str) -> tuple[int, ...] | None:
        tensor = self._state.get(name)
        return None if tensor is None else tuple(tensor.shape)

    def dtype(self, name: str) -> torch.dtype:
        return self._state[name].dtype

    def copy_rows(self, name: str, first: int, target: Tensor) -> None:
        source = self._state[name][first : first + len(target)]
        target[:] = source
        self._copied_bytes += source.numel() * source.element_size()
        if self._copied_bytes > _BLOCK_BYTES:
            del source, self._state  # map the file anew: pages already read leave the process
            self._copied_bytes = 0


def _load_pickle(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError as error:
        if "mmap can only be used" not in str(error):
            raise
    with warnings.catch_warnings():  # of a plain pickle, which is refused anyway
        warnings.simplefilter("ignore")
        return torch.load(path, map_location="cpu", weights_only=True)
