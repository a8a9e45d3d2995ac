"""What stands between two matrix products, each in one pass over its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl

if TYPE_CHECKING:
    from torch import Tensor

SWIGLU_COLUMNS = 1024


def add_norm(
    x: Tensor, added: Tensor | None, weight: Tensor, bias: Tensor | None = None, *, eps: float
) -> Tensor:
    """Add to the rows of x [R, width] where they lie, and return them normed.

    With a bias it is LayerNorm, without one RMSNorm.
    """
    rows, width = x.shape
    out = torch.empty_like(x)
    _add_norm[(rows,)](
        x,
        x if added is None else added,
        weight,
        weight if bias is None else bias,
        out,
        eps,
        WIDTH=width,
        BLOCK=triton.next_power_of_2(width),
        ADD=added is not None,
        LAYER=bias is not None,
        num_warps=4,
    )
    return out


def swiglu(gate_up: Tensor) -> Tensor:
    """[R, 2 n], the gates first -> [R, n]."""
    rows, both = gate_up.shape
    width = both // 2
    out = gate_up.new_empty((rows, width))
    _swiglu[(rows, triton.cdiv(width, SWIGLU_COLUMNS))](
        gate_up, out, WIDTH=width, BLOCK=SWIGLU_COLUMNS, num_warps=4
    )
    return out


@triton.jit
def _add_norm(
    x,
    added,
    weight,
    bias,
    out,
    eps,
    WIDTH: tl.constexpr,
    BLOCK: tl.constexpr,
    ADD: tl.constexpr,
    LAYER: tl.constexpr,
):
    column = tl.arange(0, BLOCK)
    there = column < WIDTH
    at = tl.program_id(0).to(tl.int64) * WIDTH + column
    row = tl.load(x + at, mask=there, other=0.0).to(tl.float32)
    if ADD:
        row += tl.load(added + at, mask=there, other=0.0).to(tl.float32)
        kept = row.to(x.dtype.element_ty)
        tl.store(x + at, kept, mask=there)
        row = kept.to(tl.float32)
    if LAYER:
        row = tl.where(there, row - tl.sum(row, 0) / WIDTH, 0.0)
    row *= tl.rsqrt(tl.sum(row * row, 0) / WIDTH + eps)
    row *= tl.load(weight + column, mask=there, other=0.0).to(tl.float32)
    if LAYER:
        row += tl.load(bias + column, mask=there, other=0.0).to(tl.float32)
    tl.store(out + at, row.to(out.dtype.element_ty), mask=there)


@triton.jit
def _swiglu(gate_up, out, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    there = column < WIDTH
    gates = gate_up + row * (2 * WIDTH) + column
    gate = tl.load(gates, mask=there, other=0.0).to(tl.float32)
    up = tl.load(gates + WIDTH, mask=there, other=0.0).to(tl.float32)
    product = gate * tl.sigmoid(gate) * up
    tl.store(out + row * WIDTH + column, product.to(out.dtype.element_ty), mask=there)
