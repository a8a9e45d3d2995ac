"""The audio tower over chunks: sums and norms fused, its two convolutions as matrix products.

A library for convolutions would choose and plan anew for each number of chunks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch.nn import functional

from interject.model_runtime.network.kernels.fused import add_norm

if TYPE_CHECKING:
    from torch import Tensor

    from interject.model_runtime.network.encoder import AudioTower, TowerLayer


class FusedTower:
    """On the weights of a tower: [B, mel_bins, T] -> [B, T / 4 / grouping, output]."""

    def __init__(self, tower: AudioTower) -> None:
        self._tower = tower
        self._layers = cast("list[TowerLayer]", list(tower.layers))
        self._conv1, self._conv2 = (
            conv.weight.transpose(1, 2).flatten(1).contiguous()
            for conv in (tower.conv1, tower.conv2)
        )

    def __call__(self, mel: Tensor) -> Tensor:
        tower = self._tower
        x = _neighbours(mel.transpose(1, 2), stride=1)
        x = functional.gelu(functional.linear(x, self._conv1, tower.conv1.bias))
        x = _neighbours(x, stride=2)
        x = functional.gelu(functional.linear(x, self._conv2, tower.conv2.bias))
        batch, columns, _ = x.shape
        x = (x + tower.positions[:columns].to(x.dtype)).flatten(0, 1)
        added: Tensor | None = None
        for layer in self._layers:
            added = _run(layer, x, added, batch)
        x = x if added is None else x + added
        x = x.unflatten(0, (-1, 2)).mean(1)
        x = add_norm(x, None, tower.norm.weight, tower.norm.bias, eps=tower.norm.eps)
        return tower.grouped(tower.proj(x).unflatten(0, (batch, -1)))


def _run(layer: TowerLayer, x: Tensor, added: Tensor | None, batch: int) -> Tensor:
    """Add to x what the layer before left over, and attention's result; leave over the rest."""
    first, second = layer.attention_norm, layer.feed_norm
    normed = add_norm(x, added, first.weight, first.bias, eps=first.eps)
    heard = layer.attend(normed.unflatten(0, (batch, -1))).flatten(0, 1)
    normed = add_norm(x, heard, second.weight, second.bias, eps=second.eps)
    fed: Tensor = layer.down(functional.gelu(layer.up(normed)))
    return fed


def _neighbours(x: Tensor, *, stride: int) -> Tensor:
    """[B, T, n] -> [B, T / stride, 3 n]: each column between the one before and the one after."""
    padded = functional.pad(x, (0, 0, 1, 1))
    length = x.shape[1]
    return torch.cat([padded[:, tap : tap + length : stride] for tap in range(3)], dim=2)
