"""The audio tower: a window of mel in, an embedding every 40 ms out, no memory between windows.

Architecture: Qwen2.5-Omni's Whisper-shaped tower. A stream's window is one chunk of 40 mel columns,
a clip's is up to 200; each is a convolution and an attention window of its own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from interject.model_runtime.network.architecture import UNGROUPED
from interject.model_runtime.network.linear import Linear

if TYPE_CHECKING:
    from interject.model_runtime.network.architecture import TowerShape

MAX_MEL_FRAMES = 200
_MAX_TIMESCALE = 10_000.0


def sinusoids(length: int, width: int) -> Tensor:
    """Whisper's position embeddings, float32 [length, width]: sines, then cosines.

    Computed on the CPU, so that they are the same numbers everywhere, and put where tensors are
    made (`with torch.device(...)`).
    """
    step = math.log(_MAX_TIMESCALE) / (width // 2 - 1)
    scales = torch.exp(-step * torch.arange(width // 2, device="cpu").float())
    angles = torch.arange(length, device="cpu").float()[:, None] * scales[None, :]
    return torch.cat((angles.sin(), angles.cos()), dim=1).to(torch.get_default_device())


class TowerLayer(nn.Module):
    """Pre-norm self-attention and a GELU feed-forward."""

    def __init__(self, shape: TowerShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.attention_norm = nn.LayerNorm(shape.width)
        self.qkv = Linear(shape.width, 3 * shape.width)
        self.out = Linear(shape.width, shape.width)
        self.feed_norm = nn.LayerNorm(shape.width)
        self.up = Linear(shape.width, shape.feed_forward)
        self.down = Linear(shape.feed_forward, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, width] -> the same."""
        x = x + self.attend(self.attention_norm(x))
        fed: Tensor = self.down(functional.gelu(self.up(self.feed_norm(x))))
        return x + fed

    def attend(self, x: Tensor) -> Tensor:
        """All columns of a window see each other."""
        qkv = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


class Grouping(Linear):
    """The mean of `size` neighbours, then a layer that begins as the identity: what a decoder reads
    of embeddings that it was trained on is at first their mean.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__(width, width, bias=False)
        self.size = size

    def reset_parameters(self) -> None:
        """Draws nothing, so that all other weights are those of a tower without it."""
        nn.init.eye_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """[..., T, width] -> [..., T / size, width]."""
        return super().forward(x.unflatten(-2, (-1, self.size)).mean(-2))


class AudioTower(nn.Module):
    """[B, mel_bins, T] -> [B, T / 4 / grouping, output], whole groups, T at most 200."""

    def __init__(self, shape: TowerShape) -> None:
        super().__init__()
        self.shape = shape
        self.conv1 = nn.Conv1d(shape.mel_bins, shape.width, 3, padding=1)
        self.conv2 = nn.Conv1d(shape.width, shape.width, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(TowerLayer(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width)
        self.proj = Linear(shape.width, shape.output)
        self.grouping = (
            None if shape.grouping == UNGROUPED else Grouping(shape.output, shape.grouping)
        )
        self.positions: Tensor
        positions = sinusoids(MAX_MEL_FRAMES // 2, shape.width)
        self.register_buffer("positions", positions, persistent=False)

    def place_positions(self, device: torch.device | str) -> None:
        """They are no weights, so no checkpoint has them."""
        with torch.device(device):
            self.positions = sinusoids(MAX_MEL_FRAMES // 2, self.shape.width)

    def forward(self, mel: Tensor) -> Tensor:
        """Embed windows; every row of the batch stands alone."""
        return self.adapt(self.encode(mel))

    def adapt(self, states: Tensor) -> Tensor:
        """The adapter: [..., T / 4, width] -> [..., T / 4 / grouping, output]."""
        return self.grouped(self.proj(states))

    def grouped(self, embeddings: Tensor) -> Tensor:
        """Its second half: what `proj` puts out, as the decoder reads it."""
        if self.grouping is None:
            return embeddings
        together: Tensor = self.grouping(embeddings)
        return together

    def encode(self, mel: Tensor) -> Tensor:
        """What the adapter reads: [B, T / 4, width]."""
        x = functional.gelu(self.conv1(mel))
        x = functional.gelu(self.conv2(x)).transpose(1, 2)
        x = x + self.positions[: x.shape[1]].to(x.dtype)
        for layer in self.layers:
            x = layer(x)
        pooled = x.unflatten(1, (-1, 2)).mean(2)
        states: Tensor = self.norm(pooled)
        return states
