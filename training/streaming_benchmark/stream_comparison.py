"""Which differences between two runs on the same streams are beyond noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.training.sound_benchmark.bootstrap import (
    Estimate,
    estimate_of_quantile,
    estimate_of_rows,
)
from interject.training.sound_benchmark.clips import BenchmarkError
from interject.training.streaming_benchmark.duplex_scores import TIMED, WHAT, was_done
from interject.training.streaming_benchmark.matching import match
from interject.training.streaming_benchmark.stream_page import number, table
from interject.training.streaming_benchmark.stream_scores import (
    ALL_ABILITIES,
    COLUMNS,
    FIGURES,
    figure,
    latency_ms,
    rows_of,
)
from interject.training.streaming_benchmark.text_scores import bleu_change, word_error_rows
from interject.training.streams.ability import Ability

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from interject.training.streaming_benchmark.duplex_scene import SceneKind
    from interject.training.streaming_benchmark.duplex_scores import PlayedScene
    from interject.training.streaming_benchmark.played_stream import (
        DueReply,
        HeardReply,
        PlayedStream,
    )
    from interject.training.streaming_benchmark.stream_report import StreamReport

NO_SHARE = frozenset({"false_per_hour", "late_chunks", "latency_ms", "bleu", "time_ms"})
WER, BLEU = "word_error_rate", "bleu"


@dataclass(frozen=True, slots=True)
class StreamDifference:
    """The second run's figure less the first's; shares in per cent.

    Of times it is the median change of those that both have: replies found, scenes done.
    """

    ability: str
    figure: str
    streams: int
    change: Estimate

    @property
    def beyond_noise(self) -> bool:
        low, high = self.change.low, self.change.high
        return low is not None and high is not None and (low > 0 or high < 0)


def compare_streams(first: StreamReport, second: StreamReport) -> list[StreamDifference]:
    """Streams are drawn in pairs: what both find hard is no noise.

    Scenes of the whole agent are compared where both reports have the same ones.

    :raises BenchmarkError: when the two heard different streams.
    :raises ModuleNotFoundError: when jiwer or sacrebleu is missing and needed.
    """
    pairs, seed = _paired(first, second), first.seed
    abilities = sorted({one.ability for one, _ in pairs})
    names = [ALL_ABILITIES, *(abilities if len(abilities) > 1 else ())]
    found = []
    for ability in names:
        part = [pair for pair in pairs if ability in (ALL_ABILITIES, pair[0].ability)]
        ours, theirs = (rows_of([pair[side] for pair in part]) for side in (0, 1))
        both = np.concatenate((ours, theirs), axis=1)
        changes = {name: estimate_of_rows(both, _change(name), seed=seed) for name in FIGURES}
        changes |= {
            name: estimate_of_quantile(_later(part, time), 0.5, seed=seed)
            for name, time in TIMES.items()
        }
        found += [
            StreamDifference(ability, name, len(part), each) for name, each in changes.items()
        ]
    found += _texts(pairs, seed) + _scenes(first, second)
    return [difference for difference in found if difference.change.value is not None]


def stream_comparison_table(differences: Sequence[StreamDifference]) -> list[str]:
    rows = [["what", "count", "figure", "change", "beyond noise"]]
    for each in differences:
        times = 1.0 if each.figure in NO_SHARE else 100.0
        rows.append(
            [
                each.ability, str(each.streams), each.figure.replace("_", " "),
                number(each.change, times), "yes" if each.beyond_noise else "no",
            ]
        )  # fmt: skip
    return table(rows)


def _change(name: str) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    of = figure(name)

    def change(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        difference: NDArray[np.float64] = of(sums[:, len(COLUMNS) :]) - of(sums[:, : len(COLUMNS)])
        return difference

    return change


def _late_chunks(due: DueReply, heard: HeardReply) -> float | None:
    return float(heard.chunk - due.chunk)


def _latency_ms(due: DueReply, heard: HeardReply) -> float | None:
    return None if heard.first_word_s is None else latency_ms(due, heard)


TIMES: dict[str, Callable[[DueReply, HeardReply], float | None]] = {
    "late_chunks": _late_chunks,
    "latency_ms": _latency_ms,
}


def _later(
    pairs: Sequence[tuple[PlayedStream, PlayedStream]],
    time: Callable[[DueReply, HeardReply], float | None],
) -> list[float]:
    """The change of each reply that both gave in time."""
    changes = []
    for streams in pairs:
        ours, theirs = (
            {due: time(due, h) for due, h in match(s.due, s.heard).pairs} for s in streams
        )
        for due in ours.keys() & theirs.keys():
            before, after = ours[due], theirs[due]
            if before is not None and after is not None:
                changes.append(after - before)
    return sorted(changes)


def _texts(pairs: Sequence[tuple[PlayedStream, PlayedStream]], seed: int) -> list[StreamDifference]:
    spoken = [pair for pair in pairs if pair[0].ability is Ability.REAL_TIME_ASR]
    rows = [word_error_rows([pair[side] for pair in spoken]) for side in (0, 1)]
    wrong = estimate_of_rows(
        np.concatenate(rows, axis=1), lambda s: s[:, 2] / s[:, 3] - s[:, 0] / s[:, 1], seed=seed
    )
    translated = [pair for pair in pairs if pair[0].ability is Ability.TRANSLATION and pair[0].due]
    better = bleu_change(translated, seed=seed)
    return [
        StreamDifference(Ability.REAL_TIME_ASR, WER, len(spoken), wrong),
        StreamDifference(Ability.TRANSLATION, BLEU, len(translated), better),
    ]


def _scenes(first: StreamReport, second: StreamReport) -> list[StreamDifference]:
    """None where the reports have different scenes: they are drawn anew with another seed."""
    theirs = {(scene.kind, scene.id): scene for scene in second.scenes}
    if {(scene.kind, scene.id) for scene in first.scenes} != theirs.keys():
        return []
    found = []
    for kind in WHAT:
        pairs = [(s, theirs[s.kind, s.id]) for s in first.scenes if s.kind is kind]
        found += _of_a_kind(kind, pairs, first.seed)
    return found


def _of_a_kind(
    kind: SceneKind, pairs: Sequence[tuple[PlayedScene, PlayedScene]], seed: int
) -> list[StreamDifference]:
    done = [(was_done(one), was_done(other)) for one, other in pairs]
    rows = np.array([(a is not None, b is not None, 1) for a, b in done], np.float64)
    share = estimate_of_rows(
        rows.reshape(-1, 3), lambda s: (s[:, 1] - s[:, 0]) / s[:, 2], seed=seed
    )
    times = [b - a for a, b in done if a is not None and b is not None] if kind in TIMED else []
    later = estimate_of_quantile(times, 0.5, seed=seed)
    return [
        StreamDifference(f"scenes: {kind}", WHAT[kind][0], len(pairs), share),
        StreamDifference(f"scenes: {kind}", "time_ms", len(times), later),
    ]


def _paired(first: StreamReport, second: StreamReport) -> list[tuple[PlayedStream, PlayedStream]]:
    theirs = {stream.id: stream for stream in second.streams}
    ours = {stream.id: stream for stream in first.streams}
    if ours.keys() != theirs.keys():
        lone = sorted(ours.keys() ^ theirs.keys())
        raise BenchmarkError(
            f"the reports hold different streams: {lone[0]!r} is in one only ({len(lone)} such)"
        )
    for name, stream in ours.items():
        if stream.due != theirs[name].due:
            raise BenchmarkError(f"in the stream {name!r} other replies are due in the two reports")
    return [(stream, theirs[name]) for name, stream in ours.items()]
