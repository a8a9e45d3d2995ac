"""A run as a picture: recall and specificity by domain, beside what silence scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interject.cli.output.plot import import_matplotlib, shortened
from interject.training.sound_benchmark.scoring import score

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from interject.training.sound_benchmark.bootstrap import Estimate
    from interject.training.sound_benchmark.report import SoundReport
    from interject.training.sound_benchmark.scoring import DomainScore

DPI = 110
BAR = 0.26
FIGURES = (
    ("balanced_accuracy", "balanced accuracy", "#333333"),
    ("respond_recall", "RESPOND recall", "#d9622b"),
    ("ignore_specificity", "IGNORE specificity", "#1f77b4"),
)


def draw(report: SoundReport, path: Path) -> None:
    """One row a tier."""
    tiers = report.tiers()
    figure = import_matplotlib().figure.Figure(figsize=(9, 0.6 + 3.2 * len(tiers)), layout="tight")
    figure.suptitle(shortened(report.runtime), fontsize=11, parse_math=False)
    rows = figure.subplots(len(tiers), 1, squeeze=False)[:, 0]
    for axes, tier in zip(rows, tiers, strict=True):
        scores = score(report.verdicts(tier), seed=report.seed)
        _draw_tier(axes, scores, title=f"{tier}, 95 % intervals")
    figure.savefig(path, dpi=DPI)


def _draw_tier(axes: Any, scores: Sequence[DomainScore], *, title: str) -> None:
    for place, (name, label, colour) in enumerate(FIGURES):
        shown = [(at, getattr(each, name)) for at, each in enumerate(scores)]
        known = [(at, each) for at, each in shown if each.value is not None]
        axes.bar(
            [at + BAR * (place - 1) for at, _ in known],
            [100 * each.value for _, each in known],
            BAR,
            yerr=[[_below(each) for _, each in known], [_above(each) for _, each in known]],
            label=label,
            color=colour,
            alpha=0.75,
            capsize=2,
        )
    axes.axhline(50, color="#999999", lw=0.8, ls="--")
    axes.set_xticks(range(len(scores)))
    axes.set_xticklabels([f"{each.domain} ({each.items})" for each in scores], parse_math=False)
    axes.set_ylim(0, 105)
    axes.set_ylabel("%")
    axes.set_title(title, fontsize=9, loc="left")
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    axes.spines[["top", "right"]].set_visible(False)


def _below(each: Estimate) -> float:
    return 100 * max(0.0, (each.value or 0.0) - (each.low or 0.0))


def _above(each: Estimate) -> float:
    return 100 * max(0.0, (each.high or 0.0) - (each.value or 0.0))
