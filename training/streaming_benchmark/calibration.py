"""Whether P(respond) says how often it is right to respond."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.training.sound_benchmark.bootstrap import Estimate, estimate_of_rows
from interject.training.streaming_benchmark.matching import LATE_CHUNKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from interject.training.streaming_benchmark.played_stream import PlayedStream

BINS = 10


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Chunks whose P(respond) lies in one tenth: its mean, and how often a reply was due."""

    chunks: int
    p_respond: float
    due_share: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """`error` is the expected calibration error: the mean gap, weighted by chunks.

    Almost all chunks are silent ones, about which a model is sure. `error_unsure` is the same over
    the bins between the first and the last, where it matters.
    """

    bins: tuple[CalibrationBin | None, ...]
    error: Estimate
    error_unsure: Estimate


def calibrate(streams: Sequence[PlayedStream], *, seed: int) -> Calibration:
    return calibrate_chunks([labelled(stream) for stream in streams], seed=seed)


def calibrate_chunks(streams: Iterable[Iterable[tuple[float, bool]]], *, seed: int) -> Calibration:
    """Of chunks of one stream after the other: P(respond), and whether a reply was due."""
    rows = np.array([_sums(chunks).ravel() for chunks in streams]).reshape(-1, BINS * 3)
    totals = rows.sum(axis=0).reshape(BINS, 3)
    bins = tuple(
        CalibrationBin(int(n), p / n, due / n) if n else None for n, p, due in totals.tolist()
    )
    return Calibration(
        bins,
        estimate_of_rows(rows, lambda sums: _error(sums, slice(None)), seed=seed),
        estimate_of_rows(rows, lambda sums: _error(sums, slice(1, -1)), seed=seed),
    )


def labelled(stream: PlayedStream) -> Iterator[tuple[float, bool]]:
    """P(respond), and whether it was the moment to respond.

    A reply that is due may begin in any chunk of its window. The one with the largest P(respond)
    stands for it, and the others are left out.
    """
    windows = [_window(stream, reply.chunk) for reply in stream.due]
    moments = {max(window, key=lambda known: known[1])[0] for window in windows if window}
    within = {chunk for window in windows for chunk, _ in window}
    for chunk, p in enumerate(stream.p_respond):
        if p is not None and (chunk in moments or chunk not in within):
            yield p, chunk in moments


def _window(stream: PlayedStream, first: int) -> list[tuple[int, float]]:
    """The chunks that were decided, with their P(respond)."""
    chunks = enumerate(stream.p_respond[first : first + LATE_CHUNKS + 1], first)
    return [(chunk, p) for chunk, p in chunks if p is not None]


def _sums(chunks: Iterable[tuple[float, bool]]) -> NDArray[np.float64]:
    """[bins, 3]: chunks, the sum of P(respond), how many were due."""
    sums = np.zeros((BINS, 3))
    for p, due in chunks:
        sums[min(int(p * BINS), BINS - 1)] += (1, p, due)
    return sums


def _error(sums: NDArray[np.float64], among: slice) -> NDArray[np.float64]:
    by_bin = sums.reshape(-1, BINS, 3)[:, among]
    gaps = np.abs(by_bin[..., 1] - by_bin[..., 2]).sum(axis=1)
    error: NDArray[np.float64] = gaps / by_bin[..., 0].sum(axis=1)
    return error
