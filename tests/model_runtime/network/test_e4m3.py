"""Rows in eight bits, and what is left of them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from interject.model_runtime.network.e4m3 import E4M3, LARGEST, dequantize, quantize


@given(exponent=st.integers(-60, 60), seed=st.integers(0, 1000))
def test_a_row_keeps_three_bits_of_each_number_at_any_loudness(exponent: int, seed: int) -> None:
    rows = torch.randn(4, 2, 16, generator=torch.Generator().manual_seed(seed)) * 2.0**exponent
    held, scales = quantize(rows)
    assert held.dtype is E4M3
    assert scales.shape == (4, 2)
    peak = rows.abs().amax(-1, keepdim=True)
    half_step = torch.maximum(rows.abs() / 16, 2**-10 * peak / LARGEST)
    assert ((dequantize(held, scales, torch.float32) - rows).abs() <= 1.001 * half_step).all()


def test_the_loudest_of_a_row_is_the_largest_number_there_is() -> None:
    held, scales = quantize(torch.tensor([1.0, -7.0, 3.5]))
    assert held.float()[1] == -LARGEST
    assert dequantize(held, scales, torch.float32)[1] == pytest.approx(-7.0)


def test_zeros_stay_zeros() -> None:
    held, scales = quantize(torch.zeros(3, 8))
    assert not dequantize(held, scales, torch.float32).any()
    assert scales.isfinite().all()


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_what_is_no_number_shows(value: float) -> None:
    held, scales = quantize(torch.tensor([[1.0, value], [1.0, 2.0]]))
    left = dequantize(held, scales, torch.float32)
    assert not left[0].isfinite().all()
    assert left[1].isfinite().all()


def test_a_row_is_quantized_as_it_is_alone() -> None:
    """So a slot that is filled again holds what it held."""
    rows = torch.randn(5, 2, 16)
    held, scales = quantize(rows)
    for row, codes, scale in zip(rows, held, scales, strict=True):
        again, alone = quantize(row[None])
        assert torch.equal(again[0].float(), codes.float())
        assert torch.equal(alone[0], scale)
