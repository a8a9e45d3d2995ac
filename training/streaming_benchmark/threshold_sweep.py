"""What other thresholds would have done, estimated from one run, and which to take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.training.streaming_benchmark.matching import match
from interject.training.streaming_benchmark.played_stream import HeardReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.streaming_benchmark.played_stream import PlayedStream

THRESHOLDS = (
    0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ThresholdPoint:
    """Estimated. `recall` is None where nothing was due."""

    threshold: float
    recall: float | None
    false_per_hour: float


def sweep(
    streams: Sequence[PlayedStream], thresholds: Sequence[float] = THRESHOLDS
) -> list[ThresholdPoint]:
    """By the P(respond) of one run. A reply changes what a model hears and remembers next, so only
    a run at a threshold measures it.
    """
    return [_point(streams, threshold) for threshold in thresholds]


def recommended(
    points: Sequence[ThresholdPoint], *, target_false_per_hour: float
) -> ThresholdPoint | None:
    """The lowest threshold, which misses least, with at most so many; None when none has."""
    fit = [point for point in points if point.false_per_hour <= target_false_per_hour]
    return min(fit, key=lambda point: point.threshold, default=None)


def _point(streams: Sequence[PlayedStream], threshold: float) -> ThresholdPoint:
    due = found = false = 0
    for stream in streams:
        matched = match(stream.due, _triggers(stream, threshold))
        due += len(stream.due)
        found += len(matched.pairs)
        false += len(matched.false)
    hours = sum(stream.hours for stream in streams)
    return ThresholdPoint(threshold, found / due if due else None, false / hours if hours else 0.0)


def _triggers(stream: PlayedStream, threshold: float) -> list[HeardReply]:
    """One for chunks in a row that are above it, unless each of them has a reply of its own."""
    due = {reply.chunk for reply in stream.due}
    above = [p is not None and p >= threshold for p in stream.p_respond]
    return [
        HeardReply(chunk, "")
        for chunk, now in enumerate(above)
        if now and (chunk in due or not chunk or not above[chunk - 1])
    ]
