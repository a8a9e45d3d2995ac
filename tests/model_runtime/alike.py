"""What two ways of hearing the same have in common: all but rounding."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.network.architecture import FeatureConfig
from interject.model_runtime.rounding import assert_same, feature_terms, model_terms, near_tie_lead
from tests.model_runtime.worlds import SMALL_CONDITION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.architecture import ModelConfig
    from interject.model_runtime.protocol import Decision

AMPLITUDE_CONDITION = 2 * math.log(10)
"""A feature is (log10 of the squared amplitude + 4) / 4."""


def assert_same_features(
    found: Tensor, expected: Tensor, config: FeatureConfig | None = None
) -> None:
    """Mel bins [..., mel_bins, columns], as amplitudes next to the loudest of a column.

    Most of the rounding happens in the Fourier transform. The logarithm comes after it, and makes
    as much of it in a quiet bin as there is room for.
    """
    assert found.shape == expected.shape
    loudest = expected.amax(-2, keepdim=True)
    assert_same(
        10 ** (2 * (found - loudest)),
        10 ** (2 * (expected - loudest)),
        terms=feature_terms(config or FeatureConfig()),
        condition=AMPLITUDE_CONDITION,
    )


def assert_same_decisions(
    found: Sequence[Decision], expected: Sequence[Decision], config: ModelConfig
) -> None:
    """A small model's: the same chunks, the same decisions, the same logits but for rounding.

    A decision that differs and was a near tie is a fault of the test: it needs another seed.
    """
    terms = model_terms(config)
    assert [d.seq for d in found] == [d.seq for d in expected]
    for mine, theirs in zip(found, expected, strict=True):
        if mine.respond != theirs.respond:
            pytest.fail(f"chunk {mine.seq} is decided otherwise{_tie(mine, theirs, terms)}")
    for logit in ("silent_logit", "respond_logit"):
        here, there = ([getattr(d, logit) for d in run] for run in (found, expected))
        assert_same(here, there, terms=terms, condition=SMALL_CONDITION)


def _tie(mine: Decision, theirs: Decision, terms: int) -> str:
    scale = max(abs(theirs.silent_logit), abs(theirs.respond_logit))
    lead = near_tie_lead(scale, terms=terms, condition=SMALL_CONDITION)
    leads = [d.respond_logit - d.silent_logit for d in (mine, theirs)]
    tie = ": a near tie" if abs(leads[0] - leads[1]) <= lead else ""
    return f"{tie} (respond leads silent by {leads[0]:.6f}, not by {leads[1]:.6f})"
