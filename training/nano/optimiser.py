"""Muon for the matrices of the blocks, AdamW for everything else.

Muon replaces the momentum of a matrix by the nearest orthogonal matrix (Newton-Schulz, five
steps): Jordan et al. 2024; scale and weight decay as in Liu et al. 2025, so that AdamW's
learning rates fit both.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.training.nano.recipe import NanoSettings

_A, _B, _C = 3.4445, -4.7750, 2.0315
_MOMENTUM = 0.95


def orthogonal(matrices: Tensor) -> Tensor:
    """[..., rows, columns] with the same singular vectors and singular values near one."""
    x = matrices.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    near: Tensor = x.mT if tall else x
    return near.to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum SGD with Nesterov and orthogonal updates; matrices only."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], rate: float, weight_decay: float
    ) -> None:
        super().__init__(list(parameters), {"lr": rate, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Closures are not supported. Matrices of one shape are orthogonalised together: a card
        would wait for each of them otherwise.
        """
        assert closure is None
        for group in self.param_groups:
            shapes: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes[parameter.shape].append(parameter)
            for shape, parameters in shapes.items():
                ahead = torch.stack([self._ahead(parameter) for parameter in parameters])
                changes = list(orthogonal(ahead))
                weights: list[Tensor] = list(parameters)
                torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
                scale = 0.2 * max(shape) ** 0.5
                torch._foreach_add_(weights, changes, alpha=-group["lr"] * scale)

    def _ahead(self, parameter: nn.Parameter) -> Tensor:
        """Nesterov's look ahead along the momentum."""
        assert parameter.grad is not None
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(parameter.grad, 1 - _MOMENTUM)
        return parameter.grad.lerp(state["momentum"], _MOMENTUM)


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
        fused=others[0].device.type == "cuda",
    )  # fmt: skip
    return [Muon(matrices, settings.muon_rate, settings.weight_decay), adam]
