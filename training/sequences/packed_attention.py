"""Causal attention within each sequence of a packed row, and across none.

FlexAttention computes this from a block mask, but has to be compiled for each shape, and on a CPU
has no gradient. A mask of the whole row costs T^2. So: on a CPU, and in float32, one call a
sequence, which computes no pair too many; on a GPU in half precision FlashAttention's kernel for
sequences of different lengths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from interject.model_runtime.network.decoder import attend_causally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_HALF = (torch.bfloat16, torch.float16)


class PackedAttention:
    """`lengths` of the sequences in a row, on the device of its rows."""

    def __init__(self, lengths: Sequence[int], device: torch.device) -> None:
        self._lengths = list(lengths)
        self._longest = max(lengths)
        ends = np.cumsum([0, *lengths])
        self._ends = torch.tensor(ends, dtype=torch.int32, device=device)

    def __call__(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """q [T, heads, head_dim], k and v [T, kv_heads, head_dim] -> [T, heads, head_dim]."""
        kind = q.device.type
        if torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
            q, k, v = q.to(dtype), k.to(dtype), v.to(dtype)
        if kind == "cuda" and q.dtype in _HALF:
            return self._flash(q, k, v)
        parts = zip(*(t.split(self._lengths) for t in (q, k, v)), strict=True)
        return torch.cat([_alone(*part) for part in parts])

    def _flash(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        from torch.nn.attention.varlen import varlen_attn

        ends, longest = self._ends, self._longest
        mixed = varlen_attn(
            q, k, v, ends, ends, longest, longest, window_size=(-1, 0), enable_gqa=True
        )
        assert isinstance(mixed, torch.Tensor)
        return mixed


def _alone(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend_causally(q[None], k[None], v[None])[0]
