"""Reading and writing checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.checkpoint import native, released
from interject.model_runtime.checkpoint.error import CheckpointError
from interject.model_runtime.checkpoint.fingerprint import fingerprint
from interject.model_runtime.checkpoint.model import Model, random_model
from interject.model_runtime.checkpoint.native import load_native, save_native
from interject.model_runtime.checkpoint.released import load_released

if TYPE_CHECKING:
    from interject.model_runtime.network.architecture import ModelConfig

__all__ = [
    "NANO",
    "CheckpointError",
    "Model",
    "fingerprint",
    "load_checkpoint",
    "random_model",
    "read_config",
    "resolve",
    "save_native",
]

NANO = Path(__file__).parent.parent / "nano"


def resolve(name: str | Path) -> Path:
    """The directory of a checkpoint; `nano` is the one that ships with Interject."""
    return NANO if str(name) == "nano" else Path(name)


def read_config(directory: Path) -> ModelConfig:
    """The shapes of a checkpoint in either layout.

    :raises CheckpointError: when it is neither, or damaged.
    """
    if not directory.is_dir():
        raise CheckpointError(f"{directory}: no such directory")
    if native.is_native(directory):
        return native.read_config(directory)
    if released.is_released(directory):
        return released.read_config(directory)
    raise CheckpointError(
        f"{directory}: neither an Interject checkpoint ({native.CONFIG_FILE}) nor a released "
        f"one ({released.DECODER_CONFIG})"
    )


def load_checkpoint(
    name: str | Path,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Model:
    """Load a checkpoint in either layout; `nano` is the one that ships with Interject.

    :raises CheckpointError: when it is missing, damaged, of another shape or unsafe.
    """
    directory = resolve(name)
    read_config(directory)
    load = load_native if native.is_native(directory) else load_released
    return load(directory, dtype=dtype, device=device)
