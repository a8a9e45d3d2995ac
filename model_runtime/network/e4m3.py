"""Keys and values in eight bits: a row of a head has one scale, and its largest value is 448."""

from __future__ import annotations

import torch
from torch import Tensor

E4M3 = torch.float8_e4m3fn
LARGEST = 448.0
"""Of the numbers that the type has."""
LEAST_PEAK = 1e-30
"""A row of zeros has a scale as well."""
SCALE_BYTES = 4


def quantize(rows: Tensor) -> tuple[Tensor, Tensor]:
    """[..., head_dim] -> the same in e4m3, and float32 [...], by which it is to be multiplied."""
    wide = rows.float()
    scales = wide.abs().amax(-1).clamp_min(LEAST_PEAK) / LARGEST
    return (wide / scales[..., None]).to(E4M3), scales


def dequantize(rows: Tensor, scales: Tensor, dtype: torch.dtype) -> Tensor:
    """What is left of them, in a type that can be computed with."""
    return (rows.float() * scales[..., None]).to(dtype)
