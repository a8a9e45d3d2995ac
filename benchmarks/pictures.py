"""The pictures of `docs/benchmarks.md`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

os.environ.pop("MPLBACKEND", None)  # A notebook's may be missing here, and a file needs none.

from matplotlib.figure import Figure

from benchmarks.result import PICTURES
from interject.cli.bench.plot import draw_histograms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from interject.cli.bench.histogram import Histogram

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


def draw_times(
    name: str, rows: Sequence[tuple[str, Histogram]], *, title: str, limit_ms: float | None = None
) -> None:
    """Histograms on one axis of time."""
    _save(draw_histograms(rows, title=title, limits_ms=[limit_ms] * len(rows)), name)


def draw_recovery(flowing_s: Sequence[float], waits_s: Sequence[float], *, goal_s: float) -> None:
    """How often it took how long."""
    figure = Figure(figsize=(8, 3.5), layout="tight")
    axes = figure.subplots()
    names = ["all decisions flowing again", "longest wait of a chunk"]
    axes.hist([flowing_s, waits_s], bins=25, label=names)
    axes.axvline(goal_s, color="grey", linewidth=1, label="goal")
    axes.set_xlim(left=0)
    axes.set_xlabel("s after kill -9 of the worker")
    axes.set_ylabel("kills")
    axes.legend()
    _save(figure, "redis_recovery")


def draw_redis_memory(
    kinds_mib: Mapping[str, Sequence[float]], held_mib: Sequence[float], own_mib: Sequence[float]
) -> None:
    """What a session takes in Redis, and the worker of its own, over the minutes of sound."""
    figure = Figure(figsize=(8, 5), layout="tight")
    redis, worker = figure.subplots(2, 1, sharex=True)
    age = range(len(held_mib))
    redis.stackplot(age, list(kinds_mib.values()), labels=list(kinds_mib), alpha=0.7)
    redis.plot(age, held_mib, color="black", linewidth=1, label="used_memory")
    redis.set_ylabel("Redis, MiB a session")
    redis.set_ylim(bottom=0)
    redis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    worker.plot(age, own_mib, color="tab:green")
    worker.set_ylabel("worker without files, MiB")
    worker.set_ylim(0, 1.2 * max(own_mib))
    worker.set_xlabel("minute of the sessions")
    _save(figure, "redis_memory")


def draw_voice_to_voice(
    series: Mapping[str, Sequence[float]], *, goals_ms: tuple[float, float]
) -> None:
    """Which share of the answers had begun after so many ms."""
    figure = Figure(figsize=(8, 4), layout="tight")
    axes = figure.subplots()
    for name, values in series.items():
        if values:
            ordered = sorted(values)
            shares = [100 * (rank + 1) / len(ordered) for rank in range(len(ordered))]
            style = "-" if name.startswith("interject") else "--"
            axes.step(ordered, shares, style, where="post", label=f"{name} ({len(ordered)})")
    for goal_ms, share in zip(goals_ms, (50, 95), strict=True):
        axes.plot(goal_ms, share, "x", color="grey", label=f"goal: {share} % in {goal_ms:.0f} ms")
    axes.set_xlabel("ms from the end of the event to the agent's first sample at a listener")
    axes.set_ylabel("% of the answers")
    axes.set_xlim(left=min(0, *(value for values in series.values() for value in values)))
    axes.legend(fontsize=8)
    _save(figure, "livekit_voice")


def draw_rooms(rooms: Sequence[int], parts: Mapping[str, Sequence[float]]) -> None:
    """CPU by kind of process over the number of rooms."""
    figure = Figure(figsize=(8, 3.5), layout="tight")
    axes = figure.subplots()
    shares = [[100 * value for value in values] for values in parts.values()]
    axes.stackplot(rooms, shares, labels=list(parts), alpha=0.7)
    axes.set_xlabel("rooms with a person who talks")
    axes.set_ylabel("% of a core")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left")
    _save(figure, "livekit_rooms")


def draw_core_cocktail(series: Mapping[str, Sequence[float]]) -> None:
    """What is learnt against what is still known, a point a model; and what both say wrongly. Each
    series has value, low and high of: learnt, known (shares), learnt's and known's false replies.
    """
    figure = Figure(figsize=(9, 4.2), layout="tight")
    shares, rates = figure.subplots(1, 2, width_ratios=(3, 2))
    for number, (name, numbers) in enumerate(series.items()):
        (x, *x_ends), (y, *y_ends) = ([100 * n for n in numbers[at : at + 3]] for at in (0, 3))
        shares.errorbar(
            x, y, [[y - y_ends[0]], [y_ends[1] - y]], [[x - x_ends[0]], [x_ends[1] - x]],
            fmt="o^sDv"[number // 3 % 5], color=f"C{number % 10}", elinewidth=0.7, label=name,
        )  # fmt: skip
    shares.set_xlabel("events of the domain answered rightly, %")
    shares.set_ylabel("nano's own requests, alarms, counts right, %")
    shares.set_xlim(-3, 103)
    shares.set_ylim(0, 103)
    shares.legend(fontsize=7, loc="upper right")
    places = range(len(series))
    for offset, at, label in ((-0.2, 6, "domain"), (0.2, 9, "where nothing asks")):
        values = [numbers[at] for numbers in series.values()]
        rates.barh([place + offset for place in places], values, 0.4, label=label)
    rates.set_yticks(list(places), list(series), fontsize=7)
    rates.invert_yaxis()
    rates.set_xlabel("false replies an hour")
    rates.legend(fontsize=7)
    _save(figure, "core_cocktail")


def _save(figure: Figure, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURES / f"{name}.png", dpi=DPI)
