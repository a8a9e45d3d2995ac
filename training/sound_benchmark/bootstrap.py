"""Confidence intervals by drawing the items of a test again, with a written seed."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

RESAMPLES = 10_000
CONFIDENCE = 0.95
BLOCKS = 20
"""Draws of many items are made in so many parts, to bound the memory."""

Counts = dict[str, Any]
"""By cell, an array of its size in each resample."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the ends of its interval; None where nothing was there to measure it on."""

    value: float | None
    low: float | None
    high: float | None


def estimate(
    cells: Mapping[str, int], figure: Callable[[Counts], NDArray[np.float64]], *, seed: int
) -> Estimate:
    """A figure of the items, which fall into cells of equal items.

    Items of a cell do not differ, so drawing all of them with replacement is one multinomial draw.
    A resample on which the figure is not defined (no item to respond to) is left out.
    """
    names, sizes = list(cells), np.array(list(cells.values()), np.int64)
    total = int(sizes.sum())
    if not total:
        return Estimate(None, None, None)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(figure(dict(zip(names, sizes[:, None], strict=True)))[0])
        draws = np.random.default_rng(seed).multinomial(total, sizes / total, size=RESAMPLES)
        drawn = figure(dict(zip(names, draws.T, strict=True)))
    return _interval(value, drawn)


def estimate_of_rows(
    rows: NDArray[np.float64],
    figure: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    seed: int,
) -> Estimate:
    """A figure of the sums of `rows` [items, columns], for items that differ.

    `figure` takes the sums [draws, columns] of many draws and gives one value a draw.
    """
    if not len(rows):
        return Estimate(None, None, None)
    rng, share = np.random.default_rng(seed), np.full(len(rows), 1 / len(rows))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(figure(rows.sum(axis=0, keepdims=True))[0])
        drawn = [
            figure(rng.multinomial(len(rows), share, size=RESAMPLES // BLOCKS) @ rows)
            for _ in range(BLOCKS)
        ]
    return _interval(value, np.concatenate(drawn))


def estimate_of_quantile(values: Sequence[float], share: float, *, seed: int) -> Estimate:
    """The value below which `share` of the values lie."""
    if not values:
        return Estimate(None, None, None)
    rng, known = np.random.default_rng(seed), np.asarray(values, np.float64)
    drawn = [
        np.quantile(rng.choice(known, (RESAMPLES // BLOCKS, len(known))), share, axis=1)
        for _ in range(BLOCKS)
    ]
    return _interval(float(np.quantile(known, share)), np.concatenate(drawn))


def wilson(found: float, among: int) -> Estimate:
    """A share of items that do not depend on each other. Where none or all are found, drawing them
    again would say that it is certain.
    """
    if not among:
        return Estimate(None, None, None)
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share = found / among
    middle = (share + z**2 / (2 * among)) / (1 + z**2 / among)
    half = z / (1 + z**2 / among) * sqrt(share * (1 - share) / among + (z / (2 * among)) ** 2)
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half))


def _interval(value: float, drawn: NDArray[np.float64]) -> Estimate:
    """Draws on which the figure is not defined are left out."""
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(drawn):
        return Estimate(None, None, None)
    edge = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [edge, 1 - edge])
    return Estimate(value, float(low), float(high))
