"""A linear layer that computes with the faster of PyTorch's two libraries.

PyTorch multiplies float32 matrices with MKL, which does not use the AVX-512 of AMD's processors.
oneDNN, which it brings for convolutions, does, and is twice as fast there.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

FEWEST_ROWS = 8
"""With fewer, oneDNN takes longer to begin than MKL to compute. Measured on Zen 5."""
_CPU = Path("/proc/cpuinfo")


class Linear(nn.Linear):
    """As in PyTorch: [..., in] -> [..., out]."""

    def forward(self, x: Tensor) -> Tensor:
        if not self._suits_onednn(x):
            return super().forward(x)
        y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
        return y

    def _suits_onednn(self, x: Tensor) -> bool:
        """It knows no gradients."""
        return (
            x.dtype is torch.float32
            and x.device.type == "cpu"
            and x.numel() >= FEWEST_ROWS * self.in_features
            and torch.is_inference_mode_enabled()
            and onednn_is_faster()
        )


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
