"""A sweep over alpha as a picture: does it speak in time, and with the right words?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interject.cli.output.plot import import_matplotlib

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.merging.alpha_sweep import AlphaSweep

DPI = 110
DRAWN = (
    ("f1", "F1 of speaking", "#d9622b"),
    ("right_words", "right words, of replies in time", "#1f77b4"),
)


def draw_merges(sweep: AlphaSweep, path: Path) -> None:
    figure = import_matplotlib().figure.Figure(figsize=(8, 4), layout="tight")
    axes: Any = figure.subplots()
    for name, label, colour in DRAWN:
        swept = [(each.alpha, each.figures[name]) for each in sweep.alphas]
        known = [
            (alpha, found.value, found.low or 0.0, found.high or 0.0)
            for alpha, found in swept
            if found.value is not None
        ]
        axes.errorbar(
            [alpha for alpha, *_ in known],
            [100 * value for _, value, *_ in known],
            yerr=[[100 * abs(value - low) for _, value, low, _ in known],
                  [100 * abs(high - value) for _, value, _, high in known]],
            fmt="o-", capsize=3, label=label, color=colour,
        )  # fmt: skip
    axes.set_xlabel("alpha, the first model's share")
    axes.set_ylabel("%")
    axes.set_ylim(0, 105)
    axes.legend(fontsize=8, loc="lower right")
    axes.set_title("merges, 95 % intervals", fontsize=9, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=DPI)
