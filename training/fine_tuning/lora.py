"""LoRA (Hu et al. 2021) on the linear layers of the decoder's blocks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.model_runtime.network.decoder import Decoder
    from interject.model_runtime.network.linear import Linear
    from interject.training.fine_tuning.settings import LoraSettings

LAYERS = ("qkv", "out", "gate_up", "down")


class LoraLinear(nn.Module):
    """A frozen layer [in -> out] plus `scale` * up @ down, which is zero at first."""

    def __init__(self, base: Linear, settings: LoraSettings) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = settings.alpha / settings.rank
        self._dropout = settings.dropout
        like = base.weight
        self.lora_down = nn.Parameter(like.new_empty(settings.rank, base.in_features))
        self.lora_up = nn.Parameter(like.new_zeros(base.out_features, settings.rank))
        nn.init.kaiming_uniform_(self.lora_down, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """As `base`: [..., in] -> [..., out]."""
        dropped = functional.dropout(x, self._dropout, self.training)
        change = functional.linear(functional.linear(dropped, self.lora_down), self.lora_up)
        return self.base(x) + self.scale * change  # type: ignore[no-any-return]


def add_lora(decoder: Decoder, settings: LoraSettings) -> None:
    """Put a `LoraLinear` in the place of every linear layer of the blocks."""
    for block in decoder.blocks:
        for name in LAYERS:
            setattr(block, name, LoraLinear(cast("Linear", getattr(block, name)), settings))


def lora_layers(decoder: Decoder) -> Iterator[tuple[str, LoraLinear]]:
    """By the names of the weights that they change."""
    for name, module in decoder.named_modules():
        if isinstance(module, LoraLinear):
            yield f"{name}.weight", module


@torch.no_grad()
def merge_lora(decoder: Decoder) -> None:
    """Put the changed layers themselves in place, as they were before `add_lora`."""
    for block in decoder.blocks:
        for name in LAYERS:
            layer = getattr(block, name)
            if isinstance(layer, LoraLinear):
                change = layer.scale * (layer.lora_up.float() @ layer.lora_down.float())
                layer.base.weight.copy_(layer.base.weight.float() + change)
                setattr(block, name, layer.base)
