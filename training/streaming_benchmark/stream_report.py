"""A run of the streaming benchmark as a file that can be read and scored again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from interject.config.strict import StrictModel
from interject.training.sound_benchmark.report_file import read_report_file
from interject.training.streaming_benchmark.duplex_scores import PlayedScene
from interject.training.streaming_benchmark.played_stream import (
    PlayedStream,
    Probability,
)

if TYPE_CHECKING:
    from pathlib import Path

STREAM_FORMAT: Literal["interject-stream-1"] = "interject-stream-1"
MOST_REPORT_BYTES = 512_000_000


class MeasuredThreshold(StrictModel):
    """A second run, at the threshold that the sweep of the first recommends."""

    threshold: Probability
    recall: Probability | None
    false_per_hour: float = Field(ge=0)


class StreamReport(StrictModel):
    """`skipped` says what was not measured and why. Not `graded`: it gives no P(respond) but 0 and
    1, so that there are no other thresholds and nothing to calibrate.
    """

    format: Literal["interject-stream-1"] = STREAM_FORMAT
    interject: str
    dataset: str
    runtime: str
    system_prompt: str
    threshold: Probability
    target_false_per_hour: float = Field(ge=0)
    seed: int
    tail_s: float = Field(ge=0)
    streams: tuple[PlayedStream, ...] = Field(min_length=1)
    scenes: tuple[PlayedScene, ...] = ()
    measured: MeasuredThreshold | None = None
    skipped: tuple[str, ...] = ()
    graded: bool = True


def read_stream_report(path: Path) -> StreamReport:
    """:raises BenchmarkError: when it is no report; the line names the file and the field."""
    return read_report_file(
        path, StreamReport, "interject eval stream", most_bytes=MOST_REPORT_BYTES
    )
