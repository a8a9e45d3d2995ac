"""A run of the streaming benchmark as a page for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from interject.training.streaming_benchmark.calibration import BINS, calibrate
from interject.training.streaming_benchmark.duplex_scores import score_scenes
from interject.training.streaming_benchmark.stream_scores import (
    always_silent,
    always_speaking,
    score_streams,
)
from interject.training.streaming_benchmark.text_scores import score_texts
from interject.training.streaming_benchmark.threshold_sweep import recommended, sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.streaming_benchmark.stream_report import StreamReport
    from interject.training.streaming_benchmark.stream_scores import StreamScore
    from interject.training.streaming_benchmark.text_scores import TextScores

Table = list[list[str]]


def stream_page(report: StreamReport) -> str:
    """Markdown: how it was made, then a table a question."""
    lines = [
        "# Streams",
        "",
        f"- data set: `{report.dataset}`",
        f"- runtime: `{report.runtime}`, threshold {report.threshold:g}",
        f"- silence behind each stream: {report.tail_s:g} s; seed {report.seed}",
        "- in brackets: 95 % intervals, by drawing the streams again",
        *(f"- not measured: {what}" for what in report.skipped),
    ]
    for title, rows in _sections(report):
        lines += ["", f"## {title}", "", *table(rows)]
    if report.graded:
        lines += ["", _recommendation(report)]
    return "\n".join(lines) + "\n"


def table(rows: Table) -> list[str]:
    """The lines of a Markdown table; the first row holds the titles."""
    first, *rest = rows
    return [f"| {' | '.join(row)} |" for row in (first, ["---"] * len(first), *rest)]


class Interval(Protocol):
    """A figure and the ends of its interval."""

    @property
    def value(self) -> float | None: ...

    @property
    def low(self) -> float | None: ...

    @property
    def high(self) -> float | None: ...


def percent(figure: Interval) -> str:
    return number(figure, 100.0)


def number(figure: Interval, times: float = 1.0, *, digits: int = 1) -> str:
    """With its interval."""
    if figure.value is None or figure.low is None or figure.high is None:
        return "-"
    value, low, high = (times * each for each in (figure.value, figure.low, figure.high))
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _sections(report: StreamReport) -> list[tuple[str, Table]]:
    scores = score_streams(report.streams, seed=report.seed)
    sections = [
        ("Speaking when it is due", [*_decision_rows(scores), *_baseline_rows(report)]),
        ("How late", _latency_rows(scores)),
        ("With what words", _word_rows(scores, score_texts(report.streams, seed=report.seed))),
    ]
    if report.graded:
        sections += [
            ("Thresholds, estimated from this run", _sweep_rows(report)),
            ("Calibration of P(respond)", _calibration_rows(report)),
        ]
    if report.scenes:
        sections.append(("Both may speak", _duplex_rows(report)))
    return sections


def _decision_rows(scores: Sequence[StreamScore]) -> Table:
    rows = [
        [
            "ability", "streams", "missing", "hours", "due", "recall", "precision", "F1",
            "false replies an hour",
        ]
    ]  # fmt: skip
    return rows + [_decision_row(score, score.ability) for score in scores]


def _decision_row(score: StreamScore, name: str) -> list[str]:
    figures = score.figures
    return [
        name, str(score.streams), str(score.missing), f"{score.hours:.2f}", str(score.due),
        *(percent(figures[each]) if score.due else "-" for each in ("recall", "precision", "f1")),
        number(figures["false_per_hour"]),
    ]  # fmt: skip


def _baseline_rows(report: StreamReport) -> Table:
    """What needs no ears."""
    silent = [always_silent(stream) for stream in report.streams]
    speaking = [always_speaking(stream) for stream in report.streams]
    return [
        _decision_row(score_streams(streams, seed=report.seed)[0], name)
        for name, streams in (("always silent", silent), ("always speaking", speaking))
    ]


def _latency_rows(scores: Sequence[StreamScore]) -> Table:
    rows = [["ability", "late, chunks", "to the first word, p50, ms", "p95, ms"]]
    return rows + [
        [
            score.ability,
            number(score.late_chunks, digits=2),
            number(score.latency_p50_ms, digits=0),
            number(score.latency_p95_ms, digits=0),
        ]
        for score in scores
    ]


def _word_rows(scores: Sequence[StreamScore], texts: TextScores) -> Table:
    overall = scores[0].figures
    return [
        ["figure", "value"],
        ["replies right word for word, of those found, %", percent(overall["right_words"])],
        ["counting: the right number, %", percent(overall["counting"])],
        ["history: the right answer, %", percent(overall["history"])],
        [f"word error rate ({texts.reference_words} words), %", percent(texts.word_error_rate)],
        [f"BLEU ({texts.translated_streams} streams)", number(texts.bleu)],
    ]


def _sweep_rows(report: StreamReport) -> Table:
    rows = [["threshold", "recall", "false replies an hour"]]
    return rows + [
        [
            f"{point.threshold:g}",
            "-" if point.recall is None else f"{100 * point.recall:.1f}",
            f"{point.false_per_hour:.1f}",
        ]
        for point in sweep(report.streams)
    ]


def _recommendation(report: StreamReport) -> str:
    target = report.target_false_per_hour
    best = recommended(sweep(report.streams), target_false_per_hour=target)
    if best is None:
        return f"No threshold keeps to {target:g} false replies an hour."
    said = f"Recommended for at most {target:g} false replies an hour: {best.threshold:g}."
    if report.measured is None:
        return said
    recall = "-" if report.measured.recall is None else f"{100 * report.measured.recall:.1f} %"
    return (
        f"{said} A second run at {report.measured.threshold:g} measured a recall of {recall} and "
        f"{report.measured.false_per_hour:.1f} false replies an hour."
    )


def _calibration_rows(report: StreamReport) -> Table:
    calibration = calibrate(report.streams, seed=report.seed)
    rows = [["P(respond)", "chunks", "mean P(respond)", "a reply was due, %"]]
    for place, each in enumerate(calibration.bins):
        name = f"{place / BINS:g} to {(place + 1) / BINS:g}"
        shown = (
            [str(each.chunks), f"{each.p_respond:.3f}", f"{100 * each.due_share:.1f}"]
            if (each)
            else ["0", "-", "-"]
        )
        rows.append([name, *shown])
    rows.append(["calibration error", "", number(calibration.error, digits=3), ""])
    rows.append(["without first and last", "", number(calibration.error_unsure, digits=3), ""])
    return rows


def _duplex_rows(report: StreamReport) -> Table:
    rows = [["scene", "what", "should be", "scenes", "share, %", "p50, ms", "p95, ms"]]
    return rows + [
        [
            score.kind.replace("_", " "), score.what, score.good, str(score.scenes),
            percent(score.share), number(score.p50_ms, digits=0), number(score.p95_ms, digits=0),
        ]
        for score in score_scenes(report.scenes, seed=report.seed)
    ]  # fmt: skip
