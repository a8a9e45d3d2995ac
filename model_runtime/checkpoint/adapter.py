"""What fine-tuning changed of another checkpoint: `adapter.json`, `adapter.safetensors`.

A tensor is a whole weight of the base (`tower.proj.weight`), or half of a low-rank change:
`decoder.layers.0.qkv.lora_up` @ `.lora_down` times `scale` is added to
`decoder.layers.0.qkv.weight`. Loading merges them, so the engine knows nothing of adapters.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from interject.model_runtime.checkpoint.error import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from interject.model_runtime.checkpoint.model import Model

ADAPTER_FILE = "adapter.json"
CHANGES_FILE = "adapter.safetensors"
FORMAT = "interject-adapter"
VERSION = 1
DOWN, UP = "lora_down", "lora_up"


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """`base` is `nano` or a folder, seen from the adapter's own if it is no absolute path;
    `base_fingerprint` is of the weights that were fine-tuned, their embeddings put together as
    `grouping` says; None: as they are in the base.
    """

    base: str
    base_fingerprint: str
    scale: float
    grouping: int | None = None
    format: str = FORMAT
    version: int = VERSION


def is_adapter(directory: Path) -> bool:
    """Whether a directory holds changes of another checkpoint."""
    return (directory / ADAPTER_FILE).is_file()


def read_adapter(directory: Path) -> AdapterConfig:
    """:raises CheckpointError: when it is damaged, or written by a later version."""
    from pydantic import TypeAdapter, ValidationError  # may be missing where nano is trained

    path = directory / ADAPTER_FILE
    try:
        content = json.loads(path.read_text())
        config = TypeAdapter(AdapterConfig).validate_python(content)
    except (OSError, ValueError) as error:
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise CheckpointError(f"{path}: cannot be read as an adapter ({why})") from error
    if config.format != FORMAT or config.version != VERSION:
        raise CheckpointError(
            f"{path}: {config.format} version {config.version}, this Interject reads "
            f"{FORMAT} version {VERSION}"
        )
    return config


def base_of(directory: Path, config: AdapterConfig) -> str | Path:
    """What `load_checkpoint` takes for the base.

    :raises CheckpointError: when the base is not there, or is an adapter itself.
    """
    if config.base == "nano":
        return config.base
    base = directory / config.base
    if not base.is_dir():
        raise CheckpointError(
            f"{directory / ADAPTER_FILE}: its base {base} is not there; fetch it, or write in "
            "`base` where it lies"
        )
    if is_adapter(base):
        raise CheckpointError(f"{directory / ADAPTER_FILE}: its base {base} is an adapter too")
    return base


def save_adapter(
    directory: Path,
    base: str | Path,
    base_fingerprint: str,
    scale: float,
    changes: Mapping[str, Tensor],
    *,
    grouping: int | None = None,
) -> None:
    """`base` is as it was loaded; a path is written as it is seen from `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    place = "nano" if str(base) == "nano" else os.path.relpath(base, directory)
    save_file(
        {k: t.detach().cpu().contiguous() for k, t in changes.items()}, directory / CHANGES_FILE
    )
    config = AdapterConfig(place, base_fingerprint, scale, grouping)
    (directory / ADAPTER_FILE).write_text(json.dumps(asdict(config), indent=2) + "\n")


def read_changes(directory: Path) -> dict[str, Tensor]:
    """:raises CheckpointError: when they are missing or damaged."""
    path = directory / CHANGES_FILE
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file; the adapter is incomplete")
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: truncated or not a safetensors file ({error})") from error


@torch.no_grad()
def apply_changes(model: Model, changes: Mapping[str, Tensor], scale: float) -> None:
    """Put changes into the weights of their base.

    :raises CheckpointError: when there is no such weight, or it has another shape.
    """
    weights = {
        f"{prefix}.{name}": parameter
        for prefix, module in (("tower", model.tower), ("decoder", model.decoder))
        for name, parameter in module.named_parameters()
    }
    for name, change in changes.items():
        place, _, kind = name.rpartition(".")
        if kind == UP:
            continue
        target = f"{place}.weight" if kind == DOWN else name
        weight = weights.get(target)
        if weight is None:
            raise CheckpointError(f"the adapter changes {target}, which its base does not have")
        value = _lowered(weight, changes, place, scale) if kind == DOWN else change
        if value.shape != weight.shape:
            raise CheckpointError(
                f"the adapter's {name} makes {list(value.shape)} of {target}, which is "
                f"{list(weight.shape)}"
            )
        weight.copy_(value)


def _lowered(weight: Tensor, changes: Mapping[str, Tensor], place: str, scale: float) -> Tensor:
    down, up = (changes.get(f"{place}.{half}") for half in (DOWN, UP))
    if down is None or up is None or up.shape[-1:] != down.shape[:1]:
        raise CheckpointError(f"the adapter's {place}.{DOWN} and {UP} do not fit each other")
    change = scale * (up.to(weight.device).float() @ down.to(weight.device).float())
    return weight.float() + change if change.shape == weight.shape else change
