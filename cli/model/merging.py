"""Two checkpoints combined into one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.model.byte_progress import byte_progress
from interject.cli.model.convert import DTYPES
from interject.cli.process.failures import InputFailure, printable

if TYPE_CHECKING:
    import torch

AS_STORED = "stored"


def merge_checkpoints(first: str, second: str, out: str, *, alpha: float, dtype: str) -> None:
    """:raises RuntimeFailure: when they cannot be merged."""
    from interject.model_runtime.checkpoint import resolve
    from interject.training.merging.core_cocktail import merge

    with byte_progress(sys.stderr) as told:
        record = merge(
            resolve(first), resolve(second), Path(out), alpha=alpha, dtype=_dtype(dtype), told=told
        )
    sys.stdout.write(
        f"{printable(out)}: {record.merged_tensors} decoder tensors merged, {alpha:g} of the "
        f"first; {record.kept_ids} rows of control ids and the audio tower are the first's\n"
    )


def _dtype(name: str) -> torch.dtype | None:
    if name == AS_STORED:
        return None
    if name not in DTYPES:
        raise InputFailure(f"--dtype {name}: must be {AS_STORED}, {', '.join(DTYPES)}")
    import torch

    found: torch.dtype = getattr(torch, name)
    return found
