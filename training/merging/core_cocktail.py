"""Core-Cocktail: M = a * A + (1 - a) * B over a decoder's tensors, a block of rows at a time.

Source: Fun-Audio-Chat's technical report, which credits LM-Cocktail. A is the model after its first
stage, B the text model that it came from. What B knows nothing of stays A's: the audio tower, the
adapter, and the rows of the ids that steer, which would drift towards rows that mean nothing.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.checkpoint import native
from interject.training.merging.error import MergeError
from interject.training.merging.merge_source import MergeSource, check_alike
from interject.training.merging.stored_module import stored_decoder, stored_tower
from interject.training.merging.tensor_file import PlannedTensor, header, write_block

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from interject.training.merging.stored_module import StoredModule

ALPHA = 0.5
"""The published share of A."""
BLOCK_NUMBERS = 16 * 2**20
ROWS_OF_IDS = ("embedding.weight", "head.weight")
RECORD_FILE = "merge.json"


@dataclass(frozen=True, slots=True)
class MergeRecord:
    """How a checkpoint came to be; it lies beside the weights. `alpha` is A's share."""

    first: str
    second: str
    alpha: float
    merged_tensors: int
    kept_ids: int


def merge(
    first: Path,
    second: Path,
    target: Path,
    *,
    alpha: float = ALPHA,
    dtype: torch.dtype | None = None,
    told: Callable[[int, int], None] = lambda done, total: None,
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
) -> MergeRecord:
    """Write the merged model, in our own layout, whole or not at all.

    `dtype` is that of the stored weights (default: as in A). `told` hears of bytes done and in all.

    :raises MergeError: when the two do not fit each other, or the result cannot be written.
    :raises CheckpointError: when one of them is missing or damaged.
    """
    if not 0 <= alpha <= 1:
        raise MergeError(f"alpha {alpha:g}: must lie between 0 and 1")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise MergeError(f"{target}: exists and is not an empty folder; name a new one")
    work = _Merge(first, second, alpha, dtype)
    if not target.parent.is_dir():
        raise MergeError(f"{target}: there is no folder {target.parent}")
    needed, free = work.size_bytes, free_bytes(target.parent)
    if free < needed:
        raise MergeError(
            f"{target}: needs {needed / 1e6:,.1f} MB, and {free / 1e6:,.1f} MB are free"
        )
    try:
        work.write(target, told)
    except OSError as exc:
        raise MergeError(
            f"{target}: cannot be written ({(exc.strerror or '').lower()}); nothing was left there"
        ) from exc
    return work.record


class _Merge:
    """Two checkpoints that fit each other, and what will be written."""

    def __init__(self, first: Path, second: Path, alpha: float, dtype: torch.dtype | None) -> None:
        self._first = MergeSource.open(first)
        other = MergeSource.open(second, decoder_only=True)
        check_alike(self._first, other)
        self._alpha = alpha
        config = self._first.whole_config
        self._config = config
        self._tower = stored_tower(first, config.tower)
        self._decoder = stored_decoder(first, config.decoder)
        self._other = stored_decoder(second, config.decoder)
        self._kept = torch.tensor(
            sorted(i for i in config.layout.control_ids() if 0 <= i < config.decoder.vocabulary),
            dtype=torch.long,
        )
        self._tensors = [
            (PlannedTensor(prefix + name, shape, dtype or module.dtype(name)), module, name)
            for prefix, module in (("tower.", self._tower), ("decoder.", self._decoder))
            for name, shape in module.shapes.items()
        ]
        self.record = MergeRecord(
            str(first), str(second), alpha, len(self._decoder.shapes), len(self._kept)
        )

    @property
    def size_bytes(self) -> int:
        return sum(tensor.size_bytes for tensor, _, _ in self._tensors)

    def write(self, target: Path, told: Callable[[int, int], None]) -> None:
        """Under another name first: whoever finds `target` finds all of it."""
        partial = target.parent / f".{target.name}.{secrets.token_hex(4)}"
        partial.mkdir()
        try:
            self._write_weights(partial / native.WEIGHTS_FILE, told)
            native.write_config(self._config, partial)
            if self._first.tokenizer is not None:
                self._first.tokenizer.save(str(partial / native.TOKENIZER_FILE))
            record = json.dumps(asdict(self.record), indent=2)
            (partial / RECORD_FILE).write_text(record + "\n", encoding="utf-8")
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _write_weights(self, path: Path, told: Callable[[int, int], None]) -> None:
        done = 0
        with path.open("wb") as file:
            file.write(header([tensor for tensor, _, _ in self._tensors]))
            for tensor, module, name in self._tensors:
                for first, count in _blocks(tensor.shape):
                    block = self._block(module, name, first, count).to(tensor.dtype)
                    write_block(file, block)
                    done += block.nbytes
                    told(done, self.size_bytes)
            file.flush()
            os.fsync(file.fileno())

    def _block(self, module: StoredModule, name: str, first: int, count: int) -> Tensor:
        ours = _finite(module, name, first, count)
        if module is self._tower:
            return ours
        merged = _finite(self._other, name, first, count).lerp_(ours, self._alpha)
        if name in ROWS_OF_IDS:
            here = self._kept[(self._kept >= first) & (self._kept < first + count)] - first
            merged[here] = ours[here]
        return merged


def _finite(module: StoredModule, name: str, first: int, count: int) -> Tensor:
    block = module.rows(name, first, count)
    if not bool(torch.isfinite(block).all()):
        raise MergeError(f"{module.source.where}: {name} holds NaN or infinite values")
    return block


def _blocks(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    rows = shape[0]
    each = max(1, BLOCK_NUMBERS * rows // max(1, torch.Size(shape).numel()))
    return [(first, min(each, rows - first)) for first in range(0, rows, each)]
