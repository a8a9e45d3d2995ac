"""Weights that show a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn


def randomise(module: nn.Module, seed: int) -> None:
    """Give every parameter a value that a mistake would show in: no zeros, no ones."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            spread = 0.2 if parameter.dim() == 1 else parameter[0].numel() ** -0.5
            middle = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            parameter.copy_(middle + spread * torch.randn(parameter.shape, generator=generator))
