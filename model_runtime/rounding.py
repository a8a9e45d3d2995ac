"""How far two computations of one thing may be apart: the project's only rule for comparing floats.

Sums in floating point depend on their order, and the order depends on the processor's
instructions, the library, the number of threads and what else is in a batch. With unit roundoff u,
a sum of n terms is off by n u at worst (Higham, "Accuracy and Stability of Numerical Algorithms",
2nd ed., sec. 4.2). Roundings fall to either side, so L sqrt(n) u is exceeded with a probability
below 2 n exp(-L^2 / 2) (Higham and Mary, "A New Approach to Probabilistic Rounding Error Analysis",
2019). What follows enlarges such an error by its condition number (Higham, sec. 1.6). So

    allowed = LAMBDA * sqrt(terms) * u * condition * scale

where `terms` is how many terms are added up on the longest way from an input to the result, over
all layers, and `scale` the largest value among those compared: small ones are left over when large
ones cancel, and are as wrong as those. No test has a tolerance of its own. What is chosen
(decisions, tokens) is the same exactly, unless it was a near tie. The very same operations on the
same values, in one process, give the same bits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.network.architecture import UNGROUPED
from interject.model_runtime.network.features import mel_filters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.architecture import (
        DecoderShape,
        FeatureConfig,
        ModelConfig,
        TowerShape,
    )

LAMBDA = 8.0
"""Exceeded once in more than 10^9 values, even when a million terms are added up."""
CONVOLVED_COLUMNS = 3
CHUNK_COLUMNS = 20


def allowed(
    scale: float, *, terms: int, condition: float = 1.0, dtype: torch.dtype = torch.float32
) -> float:
    """The largest difference between values of this scale that says nothing.

    `condition` is by how much the computation enlarges a relative error of its input: 1 to 3 for
    trained networks and those with ordinary random weights.
    """
    roundoff = torch.finfo(dtype).eps / 2
    return LAMBDA * math.sqrt(terms) * roundoff * condition * scale


def near_tie_lead(scale: float, *, terms: int, condition: float = 1.0) -> float:
    """By how much one score may lead another when rounding may turn them round: both may be off."""
    return 2 * allowed(scale, terms=terms, condition=condition)


def assert_same(
    found: Tensor | Sequence[float],
    expected: Tensor | Sequence[float],
    *,
    terms: int,
    condition: float = 1.0,
) -> None:
    """Equal but for rounding; plain numbers are float32.

    :raises AssertionError: saying where they differ most, and by how much they may.
    """
    found, expected = _tensor(found), _tensor(expected)
    finite = expected[expected.isfinite()].abs()
    scale = float(finite.max()) if finite.numel() else 0.0
    difference = allowed(scale, terms=terms, condition=condition, dtype=expected.dtype)
    torch.testing.assert_close(found, expected, rtol=0.0, atol=difference)


def feature_terms(config: FeatureConfig) -> int:
    """The stages of a fast Fourier transform, then the widest mel filter."""
    stages = math.ceil(math.log2(config.n_fft))
    return stages + int((mel_filters(config) > 0).sum(0).max())


def tower_terms(shape: TowerShape, columns: int = CHUNK_COLUMNS) -> int:
    """`columns` of a window take part in attention."""
    convolutions = CONVOLVED_COLUMNS * (shape.mel_bins + shape.width)
    attention = shape.width + shape.width // shape.heads + columns + shape.width
    feed_forward = shape.width + shape.feed_forward
    grouping = 0 if shape.grouping == UNGROUPED else shape.grouping + shape.output
    return convolutions + shape.layers * (attention + feed_forward) + shape.width + grouping


def decoder_terms(shape: DecoderShape, positions: int | None = None) -> int:
    """From embeddings to logits, over so many positions; at most a full slot."""
    seen = shape.context if positions is None else positions
    attention = shape.width + shape.head_dim + seen + shape.heads * shape.head_dim
    feed_forward = shape.width + shape.feed_forward
    return shape.layers * (attention + feed_forward) + shape.width


def model_terms(config: ModelConfig) -> int:
    """From sound to logits."""
    features, tower = feature_terms(config.features), tower_terms(config.tower)
    return features + tower + decoder_terms(config.decoder)


def _tensor(values: Tensor | Sequence[float]) -> Tensor:
    if isinstance(values, torch.Tensor):
        return values.detach()
    return torch.tensor(values, dtype=torch.float32)
