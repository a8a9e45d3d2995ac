"""From the released layout to Interject's own."""

from __future__ import annotations

import sys
from pathlib import Path

from interject.cli.process.failures import InputFailure

DTYPES = ("float32", "bfloat16", "float16")


def convert_checkpoint(source: str, target: str, *, dtype: str) -> None:
    """Load a checkpoint tensor by tensor and write it anew.

    :raises InputFailure: when the target would be overwritten, or the type is unknown.
    :raises CheckpointError: when the source is missing or damaged.
    """
    if dtype not in DTYPES:
        raise InputFailure(f"--dtype {dtype}: must be one of {', '.join(DTYPES)}")
    folder = Path(target)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputFailure(f"{target}: exists and is not an empty folder; name a new one")
    import torch

    from interject.model_runtime.checkpoint import load_checkpoint, save_native

    model = load_checkpoint(source, dtype=getattr(torch, dtype))
    save_native(model, folder)
    count = model.parameter_count()
    sys.stdout.write(f"{target}: {count:,} parameters as {dtype}\n")
    if model.tokenizer is None:
        sys.stdout.write(
            "The source has no tokenizer; put its tokenizer.json beside the weights.\n"
        )
