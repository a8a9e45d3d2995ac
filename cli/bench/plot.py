"""A run as a picture: one histogram a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interject.cli.bench.histogram import LEAST_MS, RATIO
from interject.cli.bench.outcome import MEANING, LatencyStage, Outcome
from interject.cli.bench.plan import P99_LIMIT_MS
from interject.cli.output.plot import import_matplotlib, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from interject.cli.bench.histogram import Histogram

BARS_A_DECADE = 20
DPI = 110


def draw(outcome: Outcome, path: Path, *, title: str) -> None:
    """Stages without a value are left out."""
    shown = [stage for stage in LatencyStage if outcome.stages[stage].count]
    rows = [(MEANING[stage], outcome.stages[stage]) for stage in shown]
    limits = [P99_LIMIT_MS if stage is LatencyStage.DECIDED else None for stage in shown]
    figure = draw_histograms(rows, title=title, limits_ms=limits)
    figure.savefig(path, dpi=DPI)


def draw_histograms(
    rows: Sequence[tuple[str, Histogram]],
    *,
    title: str,
    limits_ms: Sequence[float | None],
) -> Any:
    """A figure with a logarithmic axis of time that all rows share."""
    size = (8, 1.2 + 1.3 * max(1, len(rows)))
    figure = import_matplotlib().figure.Figure(figsize=size, layout="tight")
    all_axes = figure.subplots(max(1, len(rows)), 1, sharex=True, squeeze=False)[:, 0]
    figure.suptitle(shortened(title), fontsize=11, parse_math=False)
    for axes, (name, times), limit_ms in zip(all_axes, rows, limits_ms, strict=False):
        _draw_one(axes, name, times, limit_ms)
    all_axes[-1].set_xlabel("ms")
    return figure


def _draw_one(axes: Any, name: str, times: Histogram, limit_ms: float | None) -> None:
    # Several buckets make a bar that can be seen.
    middles = [upper_ms / RATIO**0.5 for upper_ms, _ in times.buckets()]
    counts = [count for _, count in times.buckets()]
    axes.hist(middles, bins=_edges(times), weights=counts, color="#1f77b4", alpha=0.7)
    axes.set_xscale("log")
    axes.set_yticks([])
    for share, style in ((50, ":"), (99, "-")):
        value_ms = times.percentile(share)
        axes.axvline(value_ms, color="#333333", lw=1.0, ls=style, label=f"p{share} {value_ms:.1f}")
    if limit_ms is not None:
        axes.axvline(limit_ms, color="#c62828", lw=1.0, label=f"limit {limit_ms:g}")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    axes.set_title(f"{name} ({times.count})", fontsize=9, loc="left")
    axes.spines[["top", "right", "left"]].set_visible(False)


def _edges(times: Histogram) -> list[float]:
    ends = [upper_ms for upper_ms, _ in times.buckets()] or [LEAST_MS]
    last_ms, edges = ends[-1], [ends[0] / 10 ** (1 / BARS_A_DECADE)]
    while edges[-1] < last_ms:
        edges.append(edges[-1] * 10 ** (1 / BARS_A_DECADE))
    return [*edges, edges[-1] * 10 ** (1 / BARS_A_DECADE)]
