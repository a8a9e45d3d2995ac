"""How often a model spoke when it should, when it should not, how late, and with what words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import FRAME_S
from interject.training.sound_benchmark.bootstrap import (
    Estimate,
    estimate_of_quantile,
    estimate_of_rows,
)
from interject.training.streaming_benchmark.matching import match
from interject.training.streaming_benchmark.played_stream import HeardReply
from interject.training.streaming_benchmark.words import knows, numbers, same_count, same_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from interject.training.streaming_benchmark.matching import Matched
    from interject.training.streaming_benchmark.played_stream import DueReply, PlayedStream

ALL_ABILITIES = "all"
COUNTING = frozenset({"counting", "count"})
HISTORY = frozenset({"history_review", "history"})
"""What a turn's `scene_type` says of it."""
COLUMNS = (
    "due", "found", "false", "hours", "right_words", "counts_due", "counts_right", "history_due",
    "history_right",
)  # fmt: skip
FIGURES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "recall": (("found",), ("due",)),
    "precision": (("found",), ("found", "false")),
    "f1": (("found", "found"), ("found", "false", "due")),
    "false_per_hour": (("false",), ("hours",)),
    "right_words": (("right_words",), ("found",)),
    "counting": (("counts_right",), ("counts_due",)),
    "history": (("history_right",), ("history_due",)),
}
"""Each is one sum of columns over another. What was due and not found is wrong in the last two."""


@dataclass(frozen=True, slots=True)
class StreamScore:
    """Figures of one ability, or of all. Times are of replies that were due and found."""

    ability: str
    streams: int
    missing: int
    due: int
    hours: float
    figures: dict[str, Estimate]
    late_chunks: Estimate
    latency_p50_ms: Estimate
    latency_p95_ms: Estimate


def score_streams(streams: Sequence[PlayedStream], *, seed: int) -> list[StreamScore]:
    """All first, then each ability."""
    abilities = sorted({stream.ability for stream in streams})
    parts = [(ALL_ABILITIES, list(streams))]
    if len(abilities) > 1:
        parts += [(name, [s for s in streams if s.ability is name]) for name in abilities]
    return [_scored(name, part, seed) for name, part in parts]


def rows_of(streams: Sequence[PlayedStream]) -> NDArray[np.float64]:
    """[streams, columns]"""
    return np.array([_row(s, match(s.due, s.heard)) for s in streams], np.float64).reshape(
        -1, len(COLUMNS)
    )


def figure(name: str) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Of sums [draws, columns]."""
    above, below = ([COLUMNS.index(column) for column in part] for part in FIGURES[name])

    def ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        share: NDArray[np.float64] = sums[:, above].sum(axis=1) / sums[:, below].sum(axis=1)
        return share

    return ratio


def always_silent(stream: PlayedStream) -> PlayedStream:
    return stream.model_copy(update={"heard": ()})


def always_speaking(stream: PlayedStream) -> PlayedStream:
    """After each chunk that was decided, with the right words where there are such."""
    right = {due.chunk: due.text for due in stream.due}
    return stream.model_copy(
        update={
            "heard": tuple(
                HeardReply(chunk, right.get(chunk, ""))
                for chunk, p in enumerate(stream.p_respond)
                if p is not None
            )
        }
    )


def latency_ms(due: DueReply, heard: HeardReply) -> float:
    """From the end of what is answered to the first word: sound that was waited for, and work."""
    return 1_000 * ((heard.chunk + 1) * FRAME_S - due.end_s + (heard.first_word_s or 0.0))


def _scored(ability: str, streams: Sequence[PlayedStream], seed: int) -> StreamScore:
    matched = [match(stream.due, stream.heard) for stream in streams]
    rows = rows_of(streams)
    pairs = [pair for each in matched for pair in each.pairs]
    late = np.array([(heard.chunk - due.chunk, 1) for due, heard in pairs], np.float64)
    times = [latency_ms(due, heard) for due, heard in pairs if heard.first_word_s is not None]
    return StreamScore(
        ability=ability,
        streams=len(streams),
        missing=sum(bool(stream.problem) for stream in streams),
        due=sum(len(stream.due) for stream in streams),
        hours=sum(stream.hours for stream in streams),
        figures={name: estimate_of_rows(rows, figure(name), seed=seed) for name in FIGURES},
        late_chunks=estimate_of_rows(late.reshape(-1, 2), lambda s: s[:, 0] / s[:, 1], seed=seed),
        latency_p50_ms=estimate_of_quantile(times, 0.5, seed=seed),
        latency_p95_ms=estimate_of_quantile(times, 0.95, seed=seed),
    )


def _row(stream: PlayedStream, matched: Matched) -> tuple[float, ...]:
    counts = [pair for pair in matched.pairs if _is_count(pair[0])]
    history = [pair for pair in matched.pairs if pair[0].kind in HISTORY]
    return (
        len(stream.due),
        len(matched.pairs),
        len(matched.false),
        stream.hours,
        sum(same_words(heard.text, due.text) for due, heard in matched.pairs),
        sum(_is_count(due) for due in stream.due),
        sum(same_count(heard.text, due.text) for due, heard in counts),
        sum(due.kind in HISTORY for due in stream.due),
        sum(knows(heard.text, due.text) for due, heard in history),
    )


def _is_count(due: DueReply) -> bool:
    """Who is told to count says that he will, first."""
    return due.kind in COUNTING and bool(numbers(due.text))
