"""Packed grouped-query attention over slots where they lie.

The query heads that share a key-value head become rows of one tile, so that keys and values are
read once for all of them: eight heads of a chunk's 13 rows fill 104 of 128 (Ainslie et al. 2023).
The softmax is computed block by block in float32 (Dao et al. 2022). Where a step has few tiles,
several programs share the positions of a slot, and a second kernel joins what they found.

What differs from step to step is read from the device, so one captured launch serves every step
with as many tiles. A tile of length 0 is padding: it reads no slot and writes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl

if TYPE_CHECKING:
    from torch import Tensor

SPLITS = (1, 2, 4, 8, 16, 32)
"""Into so many parts a slot may be cut. Each is compiled for itself."""
_FEWEST = 16
"""A matrix product on a GPU takes no fewer rows and columns."""


@dataclass(frozen=True, slots=True)
class TileShape:
    """New rows of one session, and positions of its slot, that a program takes at a time."""

    rows: int
    keys: int
    warps: int
    stages: int


def folded_rows(shape: TileShape, fold: int) -> int:
    """Rows of the matrix product: `fold` query heads for each new row, filled up."""
    return max(_FEWEST, 1 << (shape.rows * fold - 1).bit_length())


def head_columns(head_dim: int) -> int:
    """Columns of the matrix product: a head, filled up."""
    return max(_FEWEST, 1 << (head_dim - 1).bit_length())


def split_count(programs: int, wanted: int) -> int:
    """Into how many parts a slot is cut so that at most `wanted` programs run, if possible."""
    return max(s for s in SPLITS if s == 1 or s * programs <= wanted)


def attend(
    qkv: Tensor,
    keys: Tensor,
    values: Tensor,
    tiles: Tensor,
    out: Tensor,
    *,
    shape: TileShape,
    splits: int = 1,
    scales: Tensor | None = None,
) -> None:
    """Each row looks at its slot up to its own position, whose keys are there already.

    `qkv` [R, heads + 2 kv_heads, head_dim] begins with the queries, `keys` and `values` are one
    layer's [slots, context, kv_heads, head_dim]; `out` [R, heads, head_dim] gets the rows of the
    tiles. `tiles` is int32 [T, 4]: first row, slot, position of that row, rows (at most
    `shape.rows`). `splits` is one of SPLITS. `scales`, float32 [2, slots, context, kv_heads], are
    by what keys and values in e4m3 are to be multiplied.
    """
    count = len(tiles)
    kv_heads, head_dim = keys.shape[2:]
    fold = out.shape[1] // kv_heads
    block, columns = folded_rows(shape, fold), head_columns(head_dim)
    found, weights = out, out
    if splits > 1:
        parts = (count, kv_heads, splits, block)
        found = torch.empty((*parts, head_dim), dtype=torch.float32, device=out.device)
        weights = torch.empty(parts, dtype=torch.float32, device=out.device)
    key_scales, value_scales = (keys, values) if scales is None else scales
    sizes = {"KV_HEADS": kv_heads, "FOLD": fold, "HEAD": head_dim, "COLUMNS": columns}
    _attend[(kv_heads, splits, count)](
        qkv, keys, values, key_scales, value_scales, tiles, out, found, weights,
        qkv.stride(0), keys.stride(0), math.log2(math.e) / math.sqrt(head_dim), splits,
        BLOCK=block,
        KEYS=shape.keys,
        SPLIT=splits > 1,
        EXACT=qkv.dtype == torch.float32,
        SCALED=scales is not None,
        **sizes,
        num_warps=shape.warps,
        num_stages=shape.stages,
    )  # fmt: skip
    if splits == 1:
        return
    rows = min(block, SPLITS[-1] // splits)
    _join[(count, kv_heads, block // rows)](
        tiles, found, weights, out,
        BLOCK=block, ROWS=rows, SPLITS=splits, **sizes, num_warps=4,
    )  # fmt: skip


@triton.jit(do_not_specialize=["splits"])
def _attend(
    qkv,
    keys,
    values,
    key_scales,
    value_scales,
    tiles,
    out,
    found,
    weights,
    row_stride,
    slot_stride,
    scale,
    splits,
    KV_HEADS: tl.constexpr,
    FOLD: tl.constexpr,
    HEAD: tl.constexpr,
    COLUMNS: tl.constexpr,
    BLOCK: tl.constexpr,
    KEYS: tl.constexpr,
    SPLIT: tl.constexpr,
    EXACT: tl.constexpr,
    SCALED: tl.constexpr,
):
    """One tile, one key-value head, one part of the slot. Weights are powers of two."""
    kv_head = tl.program_id(0)
    split = tl.program_id(1)
    tile = tl.program_id(2)
    length = tl.load(tiles + tile * 4 + 3)
    if length == 0:
        return
    first_row = tl.load(tiles + tile * 4)
    slot = tl.load(tiles + tile * 4 + 1).to(tl.int64)
    start = tl.load(tiles + tile * 4 + 2)
    end = start + length

    folded = tl.arange(0, BLOCK)
    row = folded // FOLD
    head = kv_head * FOLD + folded % FOLD
    column = tl.arange(0, COLUMNS)
    there = (row < length)[:, None] & (column < HEAD)[None, :]
    at_query = (first_row + row) * row_stride + head * HEAD
    q = tl.load(qkv + at_query[:, None] + column[None, :], mask=there, other=0.0)
    last_seen = start + tl.minimum(row, length - 1)

    blocks = tl.cdiv(end, KEYS)
    share = tl.cdiv(blocks, splits)
    begin = tl.minimum(split * share, blocks)
    stop = tl.minimum(begin + share, blocks)
    unmasked = begin
    if HEAD == COLUMNS:
        # All rows see what lies before the first of them.
        unmasked = tl.maximum(begin, tl.minimum(stop, (start + 1) // KEYS))

    held = slot * slot_stride + kv_head * HEAD
    held_scales = slot * (slot_stride // HEAD) + kv_head
    mixed = tl.zeros([BLOCK, COLUMNS], tl.float32)
    total = tl.zeros([BLOCK], tl.float32)
    peak = tl.full([BLOCK], float("-inf"), tl.float32)
    mixed, total, peak = _look(
        mixed, total, peak, q, keys + held, values + held, key_scales + held_scales,
        value_scales + held_scales, begin, unmasked, last_seen, end, scale,
        KV_HEADS, HEAD, COLUMNS, KEYS, False, EXACT, SCALED,
    )  # fmt: skip
    mixed, total, peak = _look(
        mixed, total, peak, q, keys + held, values + held, key_scales + held_scales,
        value_scales + held_scales, unmasked, stop, last_seen, end, scale,
        KV_HEADS, HEAD, COLUMNS, KEYS, True, EXACT, SCALED,
    )  # fmt: skip

    if SPLIT:
        # A part that a row sees nothing of weighs nothing. What is not a number must not get lost.
        some = total != 0.0
        divisor = tl.where(some, total, 1.0)
        weight = tl.where(some, peak * scale + tl.log2(divisor), float("-inf"))
        part = ((tile * KV_HEADS + kv_head) * splits + split) * BLOCK + folded
        tl.store(weights + part, weight, mask=row < length)
        at = part[:, None] * HEAD + column[None, :]
        tl.store(found + at, mixed / divisor[:, None], mask=there & some[:, None])
    else:
        at_out = (first_row + row) * (KV_HEADS * FOLD * HEAD) + head * HEAD
        mixed = mixed / total[:, None]
        tl.store(
            out + at_out[:, None] + column[None, :], mixed.to(out.dtype.element_ty), mask=there
        )


@triton.jit
def _look(
    mixed,
    total,
    peak,
    q,
    keys,
    values,
    key_scales,
    value_scales,
    begin,
    stop,
    last_seen,
    end,
    scale,
    KV_HEADS: tl.constexpr,
    HEAD: tl.constexpr,
    COLUMNS: tl.constexpr,
    KEYS: tl.constexpr,
    MASKED: tl.constexpr,
    EXACT: tl.constexpr,
    SCALED: tl.constexpr,
):
    """Blocks `begin` .. `stop` of the slot's positions, on top of what was found before."""
    precision: tl.constexpr = "ieee" if EXACT else "tf32"
    column = tl.arange(0, COLUMNS)
    for block in range(begin, stop):
        position = block * KEYS + tl.arange(0, KEYS)
        at = position[:, None] * (KV_HEADS * HEAD) + column[None, :]
        if MASKED:
            filled = (position < end)[:, None] & (column < HEAD)[None, :]
            k = tl.load(keys + at, mask=filled, other=0.0)
            v = tl.load(values + at, mask=filled, other=0.0)
        else:
            k = tl.load(keys + at)
            v = tl.load(values + at)
        scores = tl.dot(q, tl.trans(k.to(q.dtype)), input_precision=precision)
        if SCALED:
            # One a position, so the tiles stay as they are.
            there = (position < end) | (not MASKED)
            scores *= tl.load(key_scales + position * KV_HEADS, mask=there, other=0.0)[None, :]
        if MASKED:
            seen = position[None, :] <= last_seen[:, None]
            scores = tl.where(seen, scores, float("-inf"))
        highest = tl.maximum(peak, tl.max(scores, 1))
        base = highest
        if MASKED:
            # A row may have seen nothing so far.
            base = tl.where(highest == float("-inf"), 0.0, highest)
        weight = tl.exp2((scores - base[:, None]) * scale)
        fade = tl.exp2((peak - base) * scale)
        total = total * fade + tl.sum(weight, 1)
        if SCALED:
            weight *= tl.load(value_scales + position * KV_HEADS, mask=there, other=0.0)[None, :]
        mixed = tl.dot(
            weight.to(q.dtype), v.to(q.dtype), mixed * fade[:, None], input_precision=precision
        )
        peak = highest
    return mixed, total, peak


@triton.jit
def _join(
    tiles,
    found,
    weights,
    out,
    KV_HEADS: tl.constexpr,
    FOLD: tl.constexpr,
    HEAD: tl.constexpr,
    COLUMNS: tl.constexpr,
    BLOCK: tl.constexpr,
    ROWS: tl.constexpr,
    SPLITS: tl.constexpr,
):
    """All parts of some rows of a tile."""
    tile = tl.program_id(0)
    kv_head = tl.program_id(1)
    folded = tl.program_id(2) * ROWS + tl.arange(0, ROWS)
    row = folded // FOLD
    length = tl.load(tiles + tile * 4 + 3)
    if tl.program_id(2) * ROWS >= length * FOLD:
        return
    real = row < length
    column = tl.arange(0, COLUMNS)
    split = tl.arange(0, SPLITS)[:, None]
    part = ((tile * KV_HEADS + kv_head) * SPLITS + split) * BLOCK + folded[None, :]
    weight = tl.load(weights + part, mask=real[None, :], other=0.0)
    some = weight != float("-inf")
    weight = tl.exp2(weight - tl.max(weight, 0)[None, :])
    at = part[:, :, None] * HEAD + column[None, None, :]
    there = (real[None, :] & some)[:, :, None] & (column < HEAD)[None, None, :]
    each = tl.load(found + at, mask=there, other=0.0)
    mixed = tl.sum(each * weight[:, :, None], 0) / tl.sum(weight, 0)[:, None]
    first_row = tl.load(tiles + tile * 4)
    at_out = (first_row + row) * (KV_HEADS * FOLD * HEAD) + (kv_head * FOLD + folded % FOLD) * HEAD
    tl.store(
        out + at_out[:, None] + column[None, :],
        mixed.to(out.dtype.element_ty),
        mask=real[:, None] & (column < HEAD)[None, :],
    )
