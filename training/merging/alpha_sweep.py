"""What each share of a merge does: text and timing beside each other, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from interject.config.strict import StrictModel
from interject.training.streaming_benchmark.stream_page import number, table
from interject.training.streaming_benchmark.stream_scores import score_streams

if TYPE_CHECKING:
    from interject.training.sound_benchmark.bootstrap import Estimate
    from interject.training.streaming_benchmark.stream_report import StreamReport

ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)
FIGURES = ("f1", "recall", "precision", "false_per_hour", "right_words", "counting", "history")
TITLES = (
    "alpha", "F1 of speaking, %", "recall, %", "precision, %", "false replies an hour",
    "right words, %", "counting, %", "history, %",
)  # fmt: skip
NOT_PERCENT = ("false_per_hour",)


class SweptFigure(StrictModel):
    """A figure with its 95 % interval; None where nothing was there to measure it on."""

    value: float | None
    low: float | None
    high: float | None


class SweptAlpha(StrictModel):
    """One merged model. `alpha` is the first model's share."""

    alpha: Annotated[float, Field(ge=0, le=1)]
    figures: dict[str, SweptFigure]


class AlphaSweep(StrictModel):
    """All merges of two models, on the same streams."""

    format: Literal["interject-merges-1"] = "interject-merges-1"
    first: str
    second: str
    dataset: str
    alphas: tuple[SweptAlpha, ...] = Field(min_length=1)


def swept(alpha: float, report: StreamReport) -> SweptAlpha:
    figures = score_streams(report.streams, seed=report.seed)[0].figures
    return SweptAlpha(alpha=alpha, figures={name: _kept(figures[name]) for name in FIGURES})


def sweep_page(sweep: AlphaSweep) -> str:
    """Markdown."""
    rows = [list(TITLES), *(_row(each) for each in sweep.alphas)]
    lines = [
        "# Merges",
        "",
        f"- first (alpha 1): `{sweep.first}`",
        f"- second (alpha 0): `{sweep.second}`",
        f"- data set: `{sweep.dataset}`",
        "- in brackets: 95 % intervals, by drawing the streams again",
        "",
        *table(rows),
    ]
    return "\n".join(lines) + "\n"


def _row(each: SweptAlpha) -> list[str]:
    shown = [number(each.figures[name], 1.0 if name in NOT_PERCENT else 100.0) for name in FIGURES]
    return [f"{each.alpha:g}", *shown]


def _kept(figure: Estimate) -> SweptFigure:
    return SweptFigure(value=figure.value, low=figure.low, high=figure.high)
