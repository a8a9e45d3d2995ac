"""A run as JSON, and as a table for people."""

from __future__ import annotations

import json
import math
import os
import platform
from typing import TYPE_CHECKING, Any

from rich.table import Table

from interject import __version__
from interject.cli.bench.outcome import MEANING, SHOWN_PERCENTILES, LatencyStage
from interject.cli.bench.plan import CAPACITY_S, LIMIT_MS, P99_LIMIT_MS
from interject.cli.output.runtime_url import without_password

if TYPE_CHECKING:
    from pathlib import Path

    from interject.cli.bench.histogram import Histogram
    from interject.cli.bench.outcome import Outcome
    from interject.cli.bench.request import BenchRequest


def write_json(path: Path, request: BenchRequest, outcome: Outcome, *, interrupted: bool) -> None:
    """What was asked, what came of it, and every histogram."""
    told = as_json(request, outcome, interrupted=interrupted)
    path.write_text(json.dumps(told, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def as_json(request: BenchRequest, outcome: Outcome, *, interrupted: bool) -> dict[str, Any]:
    """The same as objects that JSON knows; what was not measured is null."""
    plan = request.plan
    return {
        "interject": __version__,
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        },
        "runtime": without_password(request.runtime_url),
        "sound": list(request.wavs) or ["espeak-ng"],
        "sessions": plan.sessions,
        "talk": plan.talk,
        "minutes": plan.seconds / 60,
        "warm_up_s": plan.warm_up_s,
        "in_phase": plan.in_phase,
        "interrupted": interrupted,
        "carried": outcome.passed and not interrupted,
        "verdict": outcome.verdict(plan.sessions),
        "limits": {"p99_ms": P99_LIMIT_MS, "longest_ms": LIMIT_MS, "lost_chunks": 0},
        "over_100_ms": outcome.over_p99_limit,
        "over_400_ms": outcome.over_limit,
        "lost_chunks": outcome.lost_chunks,
        "replies": outcome.replies,
        "reply_tokens": outcome.reply_tokens,
        "failures": outcome.failures,
        "stages": {stage: _stage(stage, outcome.stages[stage]) for stage in LatencyStage},
    }


def _stage(stage: LatencyStage, times: Histogram) -> dict[str, Any]:
    return {
        "what": MEANING[stage],
        "count": times.count,
        "mean_ms": times.sum_ms / times.count if times.count else None,
        **{f"p{share}_ms": _number(times.percentile(share)) for share in SHOWN_PERCENTILES},
        "max_ms": _number(times.max_ms),
        "buckets": [[round(upper_ms, 4), count] for upper_ms, count in times.buckets()],
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def table(outcome: Outcome) -> Table:
    """One row a stage."""
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    drawn.add_column("stage")
    for name in ("count", *(f"p{share}, ms" for share in SHOWN_PERCENTILES), "longest, ms"):
        drawn.add_column(name, justify="right")
    for stage in LatencyStage:
        times = outcome.stages[stage]
        values = [*(times.percentile(share) for share in SHOWN_PERCENTILES), times.max_ms]
        shown = ["-" if math.isnan(value) else f"{value:.1f}" for value in values]
        drawn.add_row(MEANING[stage], str(times.count), *shown)
    return drawn


def remarks(request: BenchRequest, outcome: Outcome) -> list[str]:
    """What a reader of the verdict should know beside it."""
    told = []
    if request.plan.seconds < CAPACITY_S:
        told.append(f"a capacity is claimed for {CAPACITY_S / 60:.0f} minutes or more")
    told += [f"{count} x {what}" for what, count in _counted(outcome.failures)]
    return told


def _counted(failures: list[str]) -> list[tuple[str, int]]:
    return [(what, failures.count(what)) for what in dict.fromkeys(failures)]
