"""What a run leaves: a checkpoint, an adapter, or both."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.checkpoint import load_checkpoint, save_native
from interject.model_runtime.checkpoint.adapter import apply_changes, save_adapter
from interject.training.fine_tuning.disk import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor

    from interject.training.fine_tuning.settings import TrainingRun

MODEL_NAME, ADAPTER_NAME = "model", "adapter"
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def save_result(
    run: TrainingRun, folder: Path, weights: Mapping[str, Tensor], base_fingerprint: str
) -> Path:
    """Write what was learnt; returns the folder that `interject listen --model` takes.

    :raises TrainingFailure: when the disk takes no more.
    """
    as_adapter = run.method == "lora" and run.lora.save != "merged"
    scale = run.lora.alpha / run.lora.rank
    if as_adapter:
        target = folder / ADAPTER_NAME
        replace_folder(
            target,
            lambda part: save_adapter(
                part, run.model, base_fingerprint, scale, weights, grouping=run.grouping
            ),
        )
    if run.method == "full" or run.lora.save != "adapter":
        target = folder / MODEL_NAME
        model = load_checkpoint(run.model, grouping=run.grouping)
        apply_changes(model, weights, scale)
        replace_folder(target, lambda part: save_native(model, part, dtype=_DTYPES[run.save_dtype]))
    return target


def replace_folder(target: Path, write: Callable[[Path], object]) -> None:
    """What was there before goes only when the new is whole.

    :raises TrainingFailure: when the disk takes no more.
    """
    part = target.with_name(f".{target.name}.part")
    with writing(target, kept="the checkpoints of the run are whole"):
        shutil.rmtree(part, ignore_errors=True)
        write(part)
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
