"""The pictures of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from benchmarks.result import PICTURES

if TYPE_CHECKING:
    from collections.abc import Sequence

DPI = 110


def draw_load(name: str, rows: Sequence[Sequence[str]]) -> None:
    """Median and p99 over the number of streams, one pair of lines for each talk plan."""
    figure = Figure(figsize=(8, 4), layout="tight")
    axes = figure.subplots()
    for talk, colour in zip(
        dict.fromkeys(row[1] for row in rows), ("C0", "C1", "C2"), strict=False
    ):
        mine = [row for row in rows if row[1] == talk]
        streams = [int(row[0]) for row in mine]
        for column, style, label in ((2, ":", "p50"), (4, "-", "p99")):
            values = [float(row[column]) for row in mine]
            axes.plot(streams, values, f"o{style}", color=colour, label=f"{label}, {talk} talking")
    axes.axhline(100, color="grey", linewidth=1, label="limit of the p99")
    axes.set_xlabel("concurrent real-time streams")
    axes.set_ylabel("decision, ms after the chunk was due")
    axes.set_yscale("log")
    axes.legend()
    _save(figure, name)


def draw_long_session(
    wall_ms: Sequence[float], cpu_ms: Sequence[float], rss_mib: Sequence[float]
) -> None:
    """Cost and memory over the session's age in minutes."""
    figure = Figure(figsize=(8, 5), layout="tight")
    cost, memory = figure.subplots(2, 1, sharex=True)
    age = range(1, len(wall_ms) + 1)
    cost.plot(age, wall_ms, label="wall")
    cost.plot(age, cpu_ms, label="CPU, all threads")
    cost.set_ylabel("ms a chunk")
    cost.set_ylim(bottom=0)
    cost.legend()
    memory.plot(age, rss_mib, color="tab:green")
    memory.set_ylabel("resident memory, MiB")
    memory.set_ylim(bottom=0)
    memory.set_xlabel("minute of the session")
    _save(figure, "long_session")


def _save(figure: Figure, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURES / f"{name}.png", dpi=DPI)
