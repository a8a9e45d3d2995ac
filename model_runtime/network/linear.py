"""A linear layer that computes with the faster of PyTorch's two libraries.

PyTorch multiplies float32 matrices with MKL, which does not use the AVX-512 of AMD's processors.
oneDNN, which it brings for convolutions, does, and is up to twice as fast there. For each number of
rows that it meets it compiles code, and keeps 1 MB of it a layer: so it meets few numbers.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCK_ROWS = 256
STEP_ROWS = 64
"""Less than a block is filled up with zeros to a multiple of this."""
FEWEST_ROWS = 40
"""Fewer are left to MKL."""
_CPU = Path("/proc/cpuinfo")


class Linear(nn.Linear):
    """As in PyTorch: [..., in] -> [..., out]."""

    def forward(self, x: Tensor) -> Tensor:
        if not self._suits_onednn(x):
            return super().forward(x)
        blocks = [self._multiply(rows) for rows in x.flatten(0, -2).split(BLOCK_ROWS)]
        y = torch.cat(blocks) if len(blocks) > 1 else blocks[0]
        return y.view(*x.shape[:-1], self.out_features)

    def _suits_onednn(self, x: Tensor) -> bool:
        """It knows no gradients."""
        return (
            x.dtype is torch.float32
            and x.device.type == "cpu"
            and x.numel() >= FEWEST_ROWS * self.in_features
            and torch.is_inference_mode_enabled()
            and onednn_is_faster()
        )

    def _multiply(self, rows: Tensor) -> Tensor:
        """At most a block."""
        count = len(rows)
        if count < FEWEST_ROWS:
            return super().forward(rows)
        missing = -count % STEP_ROWS
        whole = functional.pad(rows, (0, 0, 0, missing)) if missing else rows
        y: Tensor = torch.ops.mkldnn._linear_pointwise(
            whole, self.weight, self.bias, "none", [], ""
        )
        return y[:count]


@cache
def onednn_is_faster() -> bool:
    """Whether this machine has what MKL leaves unused."""
    return (
        torch.backends.cpu.get_cpu_capability() == "AVX512"
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        and _CPU.is_file()
        and "AuthenticAMD" in _CPU.read_text()
    )
