"""The faster library computes what the other one does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from interject.model_runtime.network import linear
from interject.model_runtime.network.linear import (
    BLOCK_ROWS,
    FEWEST_ROWS,
    STEP_ROWS,
    Linear,
    onednn_is_faster,
)
from interject.model_runtime.rounding import assert_same

pytestmark = pytest.mark.numerics

needs_onednn = pytest.mark.skipif(
    not onednn_is_faster(), reason="this processor computes as fast with MKL"
)


@needs_onednn
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "shape",
    [
        (0, 5),
        (1, 5),
        (FEWEST_ROWS, 5),
        (BLOCK_ROWS, 5),
        (BLOCK_ROWS + 1, 5),
        (2 * BLOCK_ROWS + STEP_ROWS + 1, 5),
        (3, 7, 20, 5),
    ],
)
def test_either_library_gives_the_same(shape: tuple[int, ...], bias: bool) -> None:
    layer, x = Linear(5, 70, bias=bias), torch.randn(shape)
    expected = functional.linear(x, layer.weight, layer.bias)
    with torch.inference_mode():
        y = layer(x)
    assert y.shape == expected.shape
    assert_same(y, expected, terms=5)


@needs_onednn
def test_rows_need_not_lie_side_by_side() -> None:
    layer, x = Linear(5, 70), torch.randn(200, 5, 2)[::2, :, 1]
    with torch.inference_mode():
        expected = functional.linear(x.contiguous(), layer.weight, layer.bias)
        assert_same(layer(x), expected, terms=5)


@needs_onednn
def test_onednn_meets_few_numbers_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    met, multiply = set(), torch.ops.mkldnn._linear_pointwise

    def seen(rows: Tensor, *rest: object) -> Tensor:
        met.add(len(rows))
        return multiply(rows, *rest)  # type: ignore[no-any-return]

    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", seen)
    layer = Linear(5, 7)
    with torch.inference_mode():
        for count in range(1, 1_000, 7):
            layer(torch.randn(count, 5))
    assert met == {64, 128, 192, 256}


@needs_onednn
def test_a_layer_learns_in_training_and_is_right_afterwards() -> None:
    layer, x = Linear(8, 8), torch.randn(90, 8)
    with torch.inference_mode():
        before = layer(x)
    layer(x).square().sum().backward()
    assert layer.weight.grad is not None
    with torch.no_grad():
        layer.weight -= 0.1 * layer.weight.grad
    with torch.inference_mode():
        assert not torch.allclose(layer(x), before)
        assert_same(layer(x), functional.linear(x, layer.weight, layer.bias), terms=8)


def test_other_machines_compute_with_mkl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "onednn_is_faster", lambda: False)
    layer, x = Linear(8, 8), torch.randn(90, 8)
    with torch.inference_mode():
        assert torch.equal(layer(x), functional.linear(x, layer.weight, layer.bias))


def test_half_precision_stays_as_it_was() -> None:
    layer, x = Linear(8, 8).bfloat16(), torch.randn(90, 8).bfloat16()
    with torch.inference_mode():
        assert torch.equal(layer(x), functional.linear(x, layer.weight, layer.bias))
