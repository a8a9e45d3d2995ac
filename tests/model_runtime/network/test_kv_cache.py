"""Slots in e4m3: the same moves as in the type of the rows."""

from __future__ import annotations

import pytest
import torch

from interject.model_runtime.network.architecture import DecoderShape
from interject.model_runtime.network.decoder import rotary_angles, rotate
from interject.model_runtime.network.e4m3 import E4M3, dequantize, quantize
from interject.model_runtime.network.kv_cache import KVCache

SHAPE = DecoderShape(
    width=32, layers=2, heads=4, kv_heads=2, head_dim=16, feed_forward=40, vocabulary=50,
    context=40,
)  # fmt: skip
EVERY = slice(0, 3)


def filled(stored: torch.dtype | None, count: int = 30) -> KVCache:
    """Slot 1 holds `count` rows, the same in either type before they are rounded."""
    cache, generator = KVCache(SHAPE, 3, stored=stored), torch.Generator().manual_seed(3)
    places = SHAPE.context + torch.arange(count)
    for layer in range(SHAPE.layers):
        size = (2, count, SHAPE.kv_heads, SHAPE.head_dim)
        k, v = torch.randn(size, generator=generator)
        cache.write(layer, places, k, v)
    cache.lengths[1] = count
    return cache


def contents(cache: KVCache, layer: int = 1) -> torch.Tensor:
    return torch.stack(cache.read(layer, EVERY, SHAPE.context, torch.float32))


def test_rows_come_back_as_they_were_rounded() -> None:
    plain, coarse = contents(filled(None)), contents(filled(E4M3))
    assert torch.equal(coarse, dequantize(*quantize(plain), torch.float32))
    assert not coarse[:, 0].any()
    assert not coarse[:, 1, 30:].any()


@pytest.mark.parametrize("slots", [slice(1, 2), torch.tensor([1])])
def test_slots_are_read_in_place_and_gathered(slots: slice | torch.Tensor) -> None:
    cache = filled(E4M3)
    keys, values = cache.read(0, slots, 7, torch.bfloat16)
    assert keys.dtype is values.dtype is torch.bfloat16
    assert torch.equal(torch.stack((keys, values))[:, 0], contents(cache, 0)[:, 1, :7].bfloat16())


def test_kept_keys_are_turned_and_rounded_again() -> None:
    cache = filled(E4M3)
    stay = torch.cat((torch.arange(5), torch.arange(12, 30)))
    before = contents(cache)[:, 1]
    moved = torch.arange(len(stay)) - stay
    angles = rotary_angles(moved, SHAPE)[:, None, :]
    turned = rotate(before[0, stay], angles.cos(), angles.sin())
    cache.keep(1, stay)
    keys, values = contents(cache)[:, 1, : len(stay)]
    assert torch.equal(keys[:5], before[0, :5]), "what stays is not rounded again"
    assert torch.equal(keys[5:], dequantize(*quantize(turned[5:]), torch.float32))
    assert torch.equal(values, before[1, stay])
    assert cache.lengths[1] == len(stay)


def test_keeping_everything_changes_nothing() -> None:
    cache = filled(E4M3)
    before = contents(cache)
    cache.keep(1, torch.arange(30))
    assert torch.equal(contents(cache), before)


def test_a_free_slot_hands_nothing_on() -> None:
    """Not even a scale that is no number: zero times that is none either."""
    cache = KVCache(SHAPE, 3, stored=E4M3)
    slot = cache.allocate()
    assert slot is not None
    rows = torch.full((1, SHAPE.kv_heads, SHAPE.head_dim), torch.inf)
    cache.write(1, torch.tensor([slot * SHAPE.context]), rows, rows)
    assert not contents(cache).isfinite().all()
    cache.free(slot)
    assert torch.equal(contents(cache), torch.zeros_like(contents(cache)))
