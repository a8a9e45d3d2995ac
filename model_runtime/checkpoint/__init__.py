"""Reading and writing checkpoints."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.checkpoint import adapter, native, released
from interject.model_runtime.checkpoint.error import CheckpointError
from interject.model_runtime.checkpoint.fingerprint import fingerprint
from interject.model_runtime.checkpoint.model import Model, random_model
from interject.model_runtime.checkpoint.native import load_native, save_native
from interject.model_runtime.checkpoint.released import load_released

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """The shapes of a checkpoint in either layout, or of an adapter's base.

    :raises CheckpointError: when it is none of these, or damaged.
    """
    if not directory.is_dir():
        raise CheckpointError(f"{directory}: no such directory")
    if adapter.is_adapter(directory):
        changed = adapter.read_adapter(directory)
        base = read_config(resolve(adapter.base_of(directory, changed)))
        with _told(directory):
            return base if changed.grouping is None else base.with_grouping(changed.grouping)
    if native.is_native(directory):
        return native.read_config(directory)
    if released.is_released(directory):
        return released.read_config(directory)
    raise CheckpointError(
        f"{directory}: neither an Interject checkpoint ({native.CONFIG_FILE}) nor a released "
        f"one ({released.DECODER_CONFIG}) nor an adapter ({adapter.ADAPTER_FILE})"
    )


def load_checkpoint(
    name: str | Path,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    grouping: int | None = None,
) -> Model:
    """Load a checkpoint in either layout, or an adapter merged into its base; `nano` is the one
    that ships with Interject. With a `grouping` its embeddings are put together from now on.

    :raises CheckpointError: when it is missing, damaged, of another shape or unsafe, or grouped
        otherwise.
    """
    directory = resolve(name)
    read_config(directory)
    if adapter.is_adapter(directory):
        load = _load_adapted
    else:
        load = load_native if native.is_native(directory) else load_released
    model = load(directory, dtype=dtype, device=device)
    with _told(directory):
        return model if grouping is None else model.with_grouping(grouping)


@contextlib.contextmanager
def _told(directory: Path) -> Iterator[None]:
    """Whose groups are others."""
    try:
        yield
    except ValueError as error:
        raise CheckpointError(f"{directory}: {error}") from error


def _load_adapted(directory: Path, *, dtype: torch.dtype, device: torch.device | str) -> Model:
    config = adapter.read_adapter(directory)
    changes = adapter.read_changes(directory)
    base = adapter.base_of(directory, config)
    model = load_checkpoint(base, dtype=dtype, device=device, grouping=config.grouping)
    if fingerprint(model) != config.base_fingerprint:
        raise CheckpointError(f"{directory}: was made for other weights than those of {base}")
    adapter.apply_changes(model, changes, config.scale)
    return model
