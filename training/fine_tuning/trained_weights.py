"""Which weights a run changes, and how AdamW treats them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from interject.training.fine_tuning.lora import lora_layers
from interject.training.fine_tuning.stages import TrainablePart

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from torch import nn

    from interject.training.fine_tuning.settings import OptimiserSettings
    from interject.training.sequences.packed_model import PackedModel


def choose_trained(model: PackedModel, parts: Collection[TrainablePart]) -> None:
    """Make these parts trainable and freeze all else. Of a decoder with LoRA only that is."""
    model.requires_grad_(False)
    tower, decoder = model.tower, model.decoder
    if TrainablePart.TOWER in parts:
        tower.requires_grad_(True)
    for half in (tower.proj, tower.grouping):
        if half is not None:
            half.requires_grad_(TrainablePart.ADAPTER in parts)
    if TrainablePart.DECODER in parts:
        layers = [layer for _, layer in lora_layers(decoder)]
        decoder.requires_grad_(not layers)
        for layer in layers:
            layer.lora_down.requires_grad_(True)
            layer.lora_up.requires_grad_(True)
    if TrainablePart.HEAD in parts:
        decoder.head.requires_grad_(True)
    if TrainablePart.NEW_ROWS in parts:
        decoder.embedding.requires_grad_(True)


def trained(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """The weights that change, by name."""
    return ((name, p) for name, p in model.named_parameters() if p.requires_grad)


def new_rows_only(parts: Collection[TrainablePart]) -> bool:
    """Whether the embeddings of ordinary text stay."""
    return TrainablePart.DECODER not in parts


def make_optimiser(
    model: PackedModel, parts: Collection[TrainablePart], settings: OptimiserSettings, rate: float
) -> torch.optim.AdamW:
    """Norms and biases do not decay; nor do embeddings of which only some rows are learnt."""
    decaying: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, parameter in trained(model):
        stays = parameter.ndim < 2 or (name.endswith("embedding.weight") and new_rows_only(parts))
        (plain if stays else decaying).append(parameter)
    groups = [
        {"params": decaying, "weight_decay": settings.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.eps,
    )
