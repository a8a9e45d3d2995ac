"""A streaming run as a picture: decisions, lateness, thresholds, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interject.cli.output.plot import import_matplotlib, shortened
from interject.training.streaming_benchmark.calibration import BINS, calibrate
from interject.training.streaming_benchmark.matching import match
from interject.training.streaming_benchmark.stream_scores import latency_ms, score_streams
from interject.training.streaming_benchmark.threshold_sweep import recommended, sweep

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.sound_benchmark.bootstrap import Estimate
    from interject.training.streaming_benchmark.stream_report import StreamReport

DPI = 110
ORANGE, BLUE, GREY = "#d9622b", "#1f77b4", "#999999"
BAR = 0.38


def draw_streams(report: StreamReport, path: Path) -> None:
    rows = 2 if report.graded else 1
    size = (10, 0.5 + 3.5 * rows)
    figure = import_matplotlib().figure.Figure(figsize=size, layout="tight")
    figure.suptitle(
        f"{shortened(report.runtime)}, threshold {report.threshold:g}", fontsize=11,
        parse_math=False,
    )  # fmt: skip
    panels = figure.subplots(rows, 2, squeeze=False)
    _draw_decisions(panels[0, 0], report)
    _draw_latency(panels[0, 1], report)
    if report.graded:
        _draw_thresholds(panels[1, 0], report)
        _draw_calibration(panels[1, 1], report)
    for axes in panels.ravel():
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=DPI)


def _draw_decisions(axes: Any, report: StreamReport) -> None:
    scores = [score for score in score_streams(report.streams, seed=report.seed) if score.due]
    for place, (name, colour) in enumerate((("recall", ORANGE), ("precision", BLUE))):
        known = [
            (at, score.figures[name])
            for at, score in enumerate(scores)
            if score.figures[name].value is not None
        ]
        axes.bar(
            [at + BAR * (place - 0.5) for at, _ in known],
            [100 * (each.value or 0.0) for _, each in known],
            BAR,
            yerr=[[_arm(each, each.low) for _, each in known],
                  [_arm(each, each.high) for _, each in known]],
            label=name, color=colour, alpha=0.75, capsize=2,
        )  # fmt: skip
    axes.set_xticks(range(len(scores)))
    names = [f"{score.ability} ({score.due})".replace("_", "\n") for score in scores]
    axes.set_xticklabels(names, fontsize=7, parse_math=False)
    axes.set_ylim(0, 105)
    axes.set_ylabel("%")
    axes.set_title("speaking when it is due", fontsize=9, loc="left")
    axes.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)


def _draw_latency(axes: Any, report: StreamReport) -> None:
    times = [
        latency_ms(due, heard)
        for stream in report.streams
        for due, heard in match(stream.due, stream.heard).pairs
        if heard.first_word_s is not None
    ]
    axes.set_title("from the end of what is answered to the first word", fontsize=9, loc="left")
    axes.set_xlabel("ms")
    axes.set_ylabel("replies")
    if times:
        axes.hist(times, bins=min(40, max(5, len(times) // 4)), color=BLUE, alpha=0.75)


def _draw_thresholds(axes: Any, report: StreamReport) -> None:
    points = sweep(report.streams)
    known = [point for point in points if point.recall is not None]
    axes.plot(
        [point.false_per_hour for point in known],
        [100 * (point.recall or 0.0) for point in known],
        "o-", ms=3, color=BLUE, label="estimated",
    )  # fmt: skip
    best = recommended(known, target_false_per_hour=report.target_false_per_hour)
    if best is not None:
        axes.plot(
            [best.false_per_hour], [100 * (best.recall or 0.0)], "o", ms=9, mfc="none",
            color=ORANGE, label=f"recommended: {best.threshold:g}",
        )  # fmt: skip
    axes.axvline(report.target_false_per_hour, color=GREY, lw=0.8, ls="--", label="target")
    axes.set_xlabel("false replies an hour")
    axes.set_ylabel("recall, %")
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_xlim(left=-0.1)
    axes.set_ylim(0, 105)
    axes.set_title("thresholds", fontsize=9, loc="left")
    axes.legend(fontsize=8, loc="lower right")


def _draw_calibration(axes: Any, report: StreamReport) -> None:
    calibration = calibrate(report.streams, seed=report.seed)
    known = [each for each in calibration.bins if each is not None]
    axes.plot([0, 1], [0, 1], color=GREY, lw=0.8, ls="--")
    axes.bar(
        [(at + 0.5) / BINS for at, each in enumerate(calibration.bins) if each is not None],
        [each.due_share for each in known],
        0.9 / BINS, color=BLUE, alpha=0.75,
    )  # fmt: skip
    for at, each in enumerate(calibration.bins):
        if each is not None:
            axes.text((at + 0.5) / BINS, each.due_share + 0.02, str(each.chunks), fontsize=6,
                      ha="center")  # fmt: skip
    axes.set_xlabel("P(respond); above each bar: chunks")
    axes.set_ylabel("share in which a reply was due")
    axes.set_ylim(0, 1.1)
    error = calibration.error.value
    title = "calibration" if error is None else f"calibration, error {error:.3f}"
    axes.set_title(title, fontsize=9, loc="left")


def _arm(each: Estimate, end: float | None) -> float:
    return 100 * abs((each.value or 0.0) - (end or 0.0))
