"""Which model made a memory: only the same one can go on with it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from interject.model_runtime.network.architecture import UNGROUPED

if TYPE_CHECKING:
    from torch import Tensor

    from interject.model_runtime.checkpoint.model import Model

_BLOCK_NUMBERS = 16 * 2**20


def fingerprint(model: Model) -> str:
    """The model's name, and a digest of its shapes and of every weight as bfloat16.

    So one checkpoint has one fingerprint, whatever device and type it is loaded to, but with each
    context another: a session forgets at other times there. What is grouped has others as well;
    `repr` does not say so, since what is not has had its fingerprint for longer. Sums of integers,
    because those of floats depend on how many threads add.
    """
    digest = hashlib.blake2b(repr(model.config).encode(), digest_size=8)
    if (grouping := model.config.tower.grouping) != UNGROUPED:
        digest.update(f"grouping {grouping};".encode())
    for module in (model.tower, model.decoder):
        for name, parameter in module.named_parameters():
            digest.update(f"{name} {tuple(parameter.shape)} {_sum(parameter)};".encode())
    return f"{model.config.name}:{digest.hexdigest()}"


def _sum(parameter: Tensor) -> int:
    blocks = parameter.detach().flatten().split(_BLOCK_NUMBERS)
    return sum(int(_bits(block).sum()) for block in blocks)


def _bits(block: Tensor) -> Tensor:
    """Four numbers in each integer, whose sum may wrap around."""
    short = functional.pad(block.to(torch.bfloat16), (0, -len(block) % 4))
    return short.view(torch.int64)
