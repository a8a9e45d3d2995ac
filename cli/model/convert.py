"""From the released layout to Interject's own."""

from __future__ import annotations

import sys
from pathlib import Path

from interject.cli.process.failures import InputFailure
from interject.model_runtime.network.architecture import GROUPINGS

DTYPES = ("float32", "bfloat16", "float16")


def convert_checkpoint(
    source: str, target: str, *, dtype: str, grouping: int | None = None
) -> None:
    """Load a checkpoint tensor by tensor and write it anew.

    :raises InputFailure: when the target would be overwritten, the type is unknown, or groups do
        not fill a chunk.
    :raises CheckpointError: when the source is missing or damaged.
    """
    if dtype not in DTYPES:
        raise InputFailure(f"--dtype {dtype}: must be one of {', '.join(DTYPES)}")
    if grouping is not None and grouping not in GROUPINGS:
        sizes = ", ".join(map(str, GROUPINGS))
        raise InputFailure(f"--grouping {grouping}: must be one of {sizes}")
    folder = Path(target)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputFailure(f"{target}: exists and is not an empty folder; name a new one")
    import torch

    from interject.model_runtime.checkpoint import (
        load_checkpoint,
        read_config,
        resolve,
        save_native,
    )

    model = load_checkpoint(source, dtype=getattr(torch, dtype), grouping=grouping)
    save_native(model, folder)
    count = model.parameter_count()
    sys.stdout.write(f"{target}: {count:,} parameters as {dtype}\n")
    if model.config != read_config(resolve(source)):
        sys.stdout.write(
            f"It puts {grouping} embeddings together now, which nobody has taught it: train it "
            "(docs/training.md).\n"
        )
    if model.tokenizer is None:
        sys.stdout.write(
            "The source has no tokenizer; put its tokenizer.json beside the weights.\n"
        )
