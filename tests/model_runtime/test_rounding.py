"""The one rule by which floats are compared: rounding passes, a mistake does not."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from interject.model_runtime.network.architecture import DecoderShape, TowerShape
from interject.model_runtime.network.decoder import Decoder
from interject.model_runtime.protocol import Decision, FloorMode
from interject.model_runtime.rounding import (
    allowed,
    assert_same,
    decoder_terms,
    near_tie_lead,
    tower_terms,
)
from tests.model_runtime.alike import assert_same_decisions
from tests.model_runtime.random_weights import randomise
from tests.model_runtime.reference import DECODER
from tests.model_runtime.worlds import SMALL_CONDITION, small_model

pytestmark = pytest.mark.numerics


@given(seed=st.integers(0, 2**16), terms=st.integers(2, 5_000))
def test_a_sum_in_another_order_is_the_same(seed: int, terms: int) -> None:
    """One term after another, which no library does, and from both ends."""
    rows = np.random.default_rng(seed).standard_normal((8, terms)).astype(np.float32)
    there = rows.cumsum(1, dtype=np.float32)[:, -1]
    back = rows[:, ::-1].cumsum(1, dtype=np.float32)[:, -1]
    scale = float(np.abs(rows).sum(1).max())
    assert np.abs(there - back).max() <= allowed(scale, terms=terms)


@pytest.mark.parametrize("terms", [5, 500, 5_000])
def test_a_sum_that_lacks_a_term_is_another(terms: int) -> None:
    rows = torch.rand((8, terms), generator=torch.Generator().manual_seed(1))
    assert_same(rows.flip(1).sum(1), rows.sum(1), terms=terms)
    with pytest.raises(AssertionError, match=r"Greatest absolute difference: .* \(up to "):
        assert_same(rows[:, 1:].sum(1), rows.sum(1), terms=terms)


def test_what_is_allowed_follows_scale_terms_condition_and_precision() -> None:
    least = allowed(1.0, terms=1)
    assert least == 8 * 2.0**-24
    assert allowed(3.0, terms=1) == 3 * least
    assert allowed(1.0, terms=100) == 10 * least
    assert allowed(1.0, terms=1, condition=32.0) == 32 * least
    assert allowed(1.0, terms=1, dtype=torch.float64) == 8 * 2.0**-53
    assert near_tie_lead(3.0, terms=100) == 60 * least


@pytest.mark.parametrize("wrong", [math.nan, math.inf, 1.001])
def test_a_value_that_is_wrong_is_never_the_same(wrong: float) -> None:
    with pytest.raises(AssertionError):
        assert_same([1.0, wrong], [1.0, 1.0], terms=1_000)


def test_what_is_masked_is_compared_too() -> None:
    assert_same([1.0, -math.inf], [1.0, -math.inf], terms=1)
    with pytest.raises(AssertionError):
        assert_same([1.0, 2.0], [1.0, -math.inf], terms=1)
    assert_same([], [], terms=1)


def test_terms_are_counted_along_the_longest_way() -> None:
    tower = TowerShape(width=32, layers=2, heads=2, feed_forward=64, output=48, mel_bins=80)
    assert tower_terms(tower) == 3 * (80 + 32) + 2 * (32 + 16 + 20 + 32 + 32 + 64) + 32
    decoder = DecoderShape(width=48, layers=2, heads=4, kv_heads=2, head_dim=16, feed_forward=96)
    assert decoder_terms(decoder, 100) == 2 * (48 + 16 + 100 + 64 + 48 + 96) + 48
    assert decoder_terms(decoder) == decoder_terms(decoder, decoder.context)


@torch.inference_mode()
def test_a_row_at_the_next_position_is_seen() -> None:
    """The smallest mistake that attention over slots could make."""
    decoder = Decoder(DECODER).eval()
    randomise(decoder, seed=4)
    rows = torch.randn(1, 40, DECODER.width, generator=torch.Generator().manual_seed(1))
    moved = torch.cat((rows[:, :1], rows[:, :1], rows[:, 1:]), dim=1)
    with pytest.raises(AssertionError):
        assert_same(
            decoder.forward_train(moved)[:, 1:],
            decoder.forward_train(rows),
            terms=decoder_terms(DECODER),
            condition=SMALL_CONDITION,
        )


@torch.inference_mode()
def test_the_small_model_enlarges_errors_as_much_as_is_said() -> None:
    """From sound to logits, by the norms of a small random change and of what became of it."""
    model = small_model()
    generator = torch.Generator().manual_seed(1)
    mel = torch.randn(8, model.config.features.mel_bins, 40, generator=generator)

    def logits(mel: torch.Tensor) -> torch.Tensor:
        rows = model.tower(mel).flatten(0, 1)
        return model.decoder.logits(model.decoder.forward_train(rows[None])[0])

    grown = []
    for _ in range(8):
        other = mel + 1e-4 * mel * torch.randn(mel.shape, generator=generator)
        change = (logits(other) - logits(mel)).norm() / logits(mel).norm()
        grown.append(float(change / ((other - mel).norm() / mel.norm())))
    assert SMALL_CONDITION / 4 < max(grown) < 4 * SMALL_CONDITION


@pytest.mark.parametrize(("lead", "named"), [(1e-4, "a near tie"), (0.5, "otherwise ")])
def test_a_decision_that_rounding_made_is_named(lead: float, named: str) -> None:
    decision = Decision(
        "a", 3, 1.2, silent_logit=5.0, respond_logit=5.0 - lead, p_respond=0.5, respond=False,
        mode=FloorMode.SPEAK,
    )  # fmt: skip
    other = dataclasses.replace(decision, respond_logit=5.0 + lead, respond=True)
    config = small_model().config
    assert_same_decisions([decision], [decision], config)
    with pytest.raises(pytest.fail.Exception, match=f"chunk 3 is decided .*{named}"):
        assert_same_decisions([decision], [other], config)
