"""Which differences between two runs on the same streams are beyond noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.training.sound_benchmark.bootstrap import Estimate, estimate_of_rows
from interject.training.sound_benchmark.clips import BenchmarkError
from interject.training.streaming_benchmark.stream_page import number, table
from interject.training.streaming_benchmark.stream_scores import (
    ALL_ABILITIES,
    COLUMNS,
    FIGURES,
    figure,
    rows_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from interject.training.streaming_benchmark.played_stream import PlayedStream
    from interject.training.streaming_benchmark.stream_report import StreamReport

NO_SHARE = ("false_per_hour",)


@dataclass(frozen=True, slots=True)
class StreamDifference:
    """The second run's figure less the first's; shares in per cent."""

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

    :raises BenchmarkError: when the two heard different streams.
    """
    pairs = _paired(first, second)
    abilities = sorted({one.ability for one, _ in pairs})
    names = [ALL_ABILITIES, *(abilities if len(abilities) > 1 else ())]
    found = []
    for ability in names:
        part = [pair for pair in pairs if ability in (ALL_ABILITIES, pair[0].ability)]
        ours, theirs = (rows_of([pair[side] for pair in part]) for side in (0, 1))
        both = np.concatenate((ours, theirs), axis=1)
        for name in FIGURES:
            change = estimate_of_rows(both, _change(name), seed=first.seed)
            if change.value is not None:
                found.append(StreamDifference(ability, name, len(part), change))
    return found


def stream_comparison_table(differences: Sequence[StreamDifference]) -> list[str]:
    rows = [["ability", "streams", "figure", "change", "beyond noise"]]
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
