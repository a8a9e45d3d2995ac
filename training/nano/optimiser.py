"""Muon for the matrices of the blocks, AdamW for everything else.

Muon replaces the momentum of a matrix by the nearest orthogonal matrix (Newton-Schulz, five
steps): Jordan et al. 2024; scale and weight decay as in Liu et al. 2025, so that AdamW's
learning rates fit both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.training.nano.recipe import NanoSettings

_A, _B, _C = 3.4445, -4.7750, 2.0315
_MOMENTUM = 0.95


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix with the same singular vectors and singular values near one."""
    x = matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    near: Tensor = x.T if tall else x
    return near.to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum SGD with Nesterov and orthogonal updates; matrices only."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], rate: float, weight_decay: float
    ) -> None:
        super().__init__(list(parameters), {"lr": rate, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Closures are not supported."""
        assert closure is None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum = state["momentum"]
                momentum.lerp_(parameter.grad, 1 - _MOMENTUM)
                ahead = parameter.grad.lerp(momentum, _MOMENTUM)
                scale = 0.2 * max(parameter.shape) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(orthogonal(ahead), alpha=-group["lr"] * scale)


def make_optimisers(
    modules: Iterable[nn.Module], settings: NanoSettings
) -> list[torch.optim.Optimizer]:
    """Fused q, k, v and gate, up are orthogonalised as one matrix each."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for module in modules:
        for name, parameter in module.named_parameters():
            inside = name.startswith("layers.") and parameter.ndim == 2
            (matrices if inside else others).append(parameter)
    decayed = [p for p in others if p.ndim > 1]
    plain = [p for p in others if p.ndim <= 1]
    adam = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}],
        lr=settings.adam_rate, betas=(0.9, 0.97), eps=1e-8,
    )  # fmt: skip
    return [Muon(matrices, settings.muon_rate, settings.weight_decay), adam]
