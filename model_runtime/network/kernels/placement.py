"""What the projection of new rows still needs, in one launch: bias, positions, a slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import triton
import triton.language as tl

from interject.model_runtime.network.e4m3 import LARGEST, LEAST_PEAK

if TYPE_CHECKING:
    from torch import Tensor

_LARGEST = tl.constexpr(LARGEST)
_LEAST_PEAK = tl.constexpr(LEAST_PEAK)


def place(
    qkv: Tensor,
    bias: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    places: Tensor,
    cosines: Tensor,
    sines: Tensor,
    scales: Tensor | None = None,
) -> None:
    """Turn the queries in `qkv` where they lie; write keys and values into their slots.

    `qkv` [R, heads + 2 kv_heads, head_dim] comes without its bias; `keys` and `values` are one
    layer's [slots, context, kv_heads, head_dim]; `places` are each row's slot and position, int32
    [R, 2], and a row at a position below 0 is padding; `cosines` and `sines` are float32
    [context, head_dim / 2]. `scales`, float32 [2, slots, context, kv_heads], get what keys and
    values in e4m3 are to be multiplied by.
    """
    rows, all_heads, head_dim = qkv.shape
    kv_heads = keys.shape[2]
    key_scales, value_scales = (keys, values) if scales is None else scales
    _place[(rows,)](
        qkv,
        bias,
        keys,
        values,
        key_scales,
        value_scales,
        places,
        cosines,
        sines,
        keys.stride(0),
        HEADS=all_heads - 2 * kv_heads,
        KV_HEADS=kv_heads,
        HALF=head_dim // 2,
        HEADS_PADDED=triton.next_power_of_2(all_heads),
        HALF_PADDED=triton.next_power_of_2(head_dim // 2),
        SCALED=scales is not None,
        num_warps=4,
    )


@triton.jit
def _place(
    qkv,
    bias,
    keys,
    values,
    key_scales,
    value_scales,
    places,
    cosines,
    sines,
    slot_stride,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    HALF: tl.constexpr,
    HEADS_PADDED: tl.constexpr,
    HALF_PADDED: tl.constexpr,
    SCALED: tl.constexpr,
):
    """One row, all its heads: queries, then keys, then values."""
    row = tl.program_id(0)
    position = tl.load(places + row * 2 + 1)
    if position < 0:
        return
    HEAD: tl.constexpr = 2 * HALF
    head = tl.arange(0, HEADS_PADDED)[:, None]
    pair = tl.arange(0, HALF_PADDED)[None, :]
    there = (head < HEADS + 2 * KV_HEADS) & (pair < HALF)
    turns = head < HEADS + KV_HEADS
    low = head * HEAD + pair
    high = low + HALF
    mine = qkv + row.to(tl.int64) * ((HEADS + 2 * KV_HEADS) * HEAD)
    x = tl.load(mine + low, mask=there, other=0.0).to(tl.float32)
    y = tl.load(mine + high, mask=there, other=0.0).to(tl.float32)
    x += tl.load(bias + low, mask=there, other=0.0).to(tl.float32)
    y += tl.load(bias + high, mask=there, other=0.0).to(tl.float32)
    angle = position * HALF + pair
    cosine = tl.load(cosines + angle, mask=pair < HALF, other=1.0)
    sine = tl.load(sines + angle, mask=pair < HALF, other=0.0)
    cosine = tl.where(turns, cosine, 1.0)
    sine = tl.where(turns, sine, 0.0)
    turned_x = x * cosine - y * sine
    turned_y = y * cosine + x * sine

    query = there & (head < HEADS)
    tl.store(mine + low, turned_x.to(qkv.dtype.element_ty), mask=query)
    tl.store(mine + high, turned_y.to(qkv.dtype.element_ty), mask=query)
    slot = tl.load(places + row * 2).to(tl.int64)
    if SCALED:
        peak = tl.max(tl.maximum(tl.abs(turned_x), tl.abs(turned_y)), 1, keep_dims=True)
        scale = tl.maximum(peak, _LEAST_PEAK) / _LARGEST
        turned_x /= scale
        turned_y /= scale
        at_scale = slot * (slot_stride // HEAD) + position * KV_HEADS + head - HEADS
        is_key = (head >= HEADS) & (head < HEADS + KV_HEADS)
        is_value = (head >= HEADS + KV_HEADS) & (head < HEADS + 2 * KV_HEADS)
        tl.store(key_scales + at_scale, scale, mask=is_key)
        tl.store(value_scales + at_scale - KV_HEADS, scale, mask=is_value)
    begin = slot * slot_stride + position * (KV_HEADS * HEAD)
    key = there & turns & (head >= HEADS)
    at_key = begin + low - HEADS * HEAD
    tl.store(keys + at_key, turned_x.to(keys.dtype.element_ty), mask=key)
    tl.store(keys + at_key + HALF, turned_y.to(keys.dtype.element_ty), mask=key)
    value = there & (head >= HEADS + KV_HEADS)
    at_value = at_key - KV_HEADS * HEAD
    tl.store(values + at_value, turned_x.to(values.dtype.element_ty), mask=value)
    tl.store(values + at_value + HALF, turned_y.to(values.dtype.element_ty), mask=value)
