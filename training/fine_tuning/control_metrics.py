"""How well a model decides, from its teacher-forced logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import FRAME_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from interject.training.sequences.sequence import Floats

CALIBRATION_BINS = 10


@dataclass(frozen=True, slots=True)
class DecidedStream:
    """`odds` of responding at every chunk; `wanted` are the chunks at which that is right.

    `late` holds, for a wanted chunk that the model missed, its odds from there on in a stream where
    nobody replied: does it speak up later?
    """

    stream_id: str
    odds: Floats
    wanted: tuple[int, ...]
    late: Mapping[int, Floats]


@dataclass(frozen=True, slots=True)
class ControlMetrics:
    """None where there was nothing to measure on. `latency_chunks` is the mean of what was hit.

    `calibration_error` is the expected one (ECE) of P(respond), over bins of equal width.
    """

    decisions: int
    wanted: int
    hits: int
    false_triggers: int
    precision: float | None
    recall: float | None
    false_triggers_an_hour: float | None
    latency_chunks: float | None
    calibration_error: float | None

    def numbers(self) -> dict[str, float]:
        """What there is, by name."""
        names = (
            "precision", "recall", "false_triggers_an_hour", "latency_chunks", "calibration_error",
        )  # fmt: skip
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def missed(odds: Floats, wanted: Sequence[int], threshold: float) -> list[int]:
    """The wanted chunks at which the model stays silent."""
    return [chunk for chunk in wanted if _probability(odds[chunk]) < threshold]


def measure(streams: Sequence[DecidedStream], threshold: float) -> ControlMetrics:
    """A trigger is right at a wanted chunk, or late as `late` says; every other one is false."""
    latencies = [delay for stream in streams for delay in _delays(stream, threshold)]
    wanted = sum(len(stream.wanted) for stream in streams)
    p = np.concatenate([_probability(s.odds) for s in streams]) if streams else np.zeros(0)
    right = np.concatenate([_is_wanted(s) for s in streams]) if streams else np.zeros(0, bool)
    hits, false = len(latencies), int(((p >= threshold) & ~right).sum())
    hours = len(p) * FRAME_S / 3600
    return ControlMetrics(
        decisions=len(p),
        wanted=wanted,
        hits=hits,
        false_triggers=false,
        precision=hits / (hits + false) if hits + false else None,
        recall=hits / wanted if wanted else None,
        false_triggers_an_hour=false / hours if hours else None,
        latency_chunks=float(np.mean(latencies)) if latencies else None,
        calibration_error=calibration_error(p, right) if len(p) else None,
    )


def calibration_error(p: NDArray[np.float64], right: NDArray[np.bool]) -> float:
    """By how much P(respond) and how often that is right differ, weighted by the bins' sizes."""
    bins = np.minimum((p * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [abs(float((p[bins == b] - right[bins == b]).sum())) for b in range(CALIBRATION_BINS)]
    return sum(gaps) / len(p)


def _delays(stream: DecidedStream, threshold: float) -> list[int]:
    delays = []
    for chunk in stream.wanted:
        if _probability(stream.odds[chunk]) >= threshold:
            delays.append(0)
        elif chunk in stream.late:
            over = np.flatnonzero(_probability(stream.late[chunk]) >= threshold)
            delays += [int(over[0])] if len(over) else []
    return delays


def _is_wanted(stream: DecidedStream) -> NDArray[np.bool]:
    marks = np.zeros(len(stream.odds), bool)
    marks[list(stream.wanted)] = True
    return marks


def _probability(odds: Floats | np.float32) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = 1 / (1 + np.exp(-np.asarray(odds, np.float64)))
    return shares
