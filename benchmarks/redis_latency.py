"""What Redis adds to a decision: the same load on a worker of its own and on an engine in here."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.hardware import describe
from benchmarks.pictures import draw_times
from benchmarks.result import Result, finish, this_command
from benchmarks.room import rooms
from benchmarks.servers import Fleet
from interject.cli.bench.histogram import Histogram
from interject.cli.bench.load import run_load
from interject.cli.bench.outcome import LatencyStage, Outcome
from interject.cli.bench.plan import LoadPlan
from interject.model_runtime import open_runtime
from interject.model_runtime.heap import freeze_heap

if TYPE_CHECKING:
    from collections.abc import Sequence

GOAL_MS = 8.0
WARM_UP_S = 34.0
"""By then every slot has been full once: from there on a chunk costs what it costs for hours."""
METHOD = (
    "Both in turn on the same machine, in one run of this program: embedded, Redis, embedded, ... "
    "The protocol is that of `interject bench`: open loop, sessions that come one by one, from the "
    "moment a chunk was due to its decision at the client. Embedded: engine and load generator in "
    "one process. Redis: a worker process, redis-server and this process share the same cores. The "
    f"first {WARM_UP_S:.0f} s of each run, in which slots fill, are not counted."
)
COLUMNS = [
    "runtime", "run", "p50, ms", "p95, ms", "p99, ms", "max, ms", "queued p99, ms",
    "on the way p50, ms", "on the way p99, ms", "chunks", "lost",
]  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One of the two, and its runs."""

    name: str
    runs: list[Outcome]

    @property
    def decisions(self) -> Histogram:
        return Histogram.of(run.decisions for run in self.runs)


async def embedded(plan: LoadPlan, model: str) -> Outcome:
    runtime = open_runtime(f"embedded:{model}", slots=plan.sessions)
    freeze_heap()
    try:
        return await run_load(runtime, plan, rooms(plan.sessions))
    finally:
        await runtime.aclose()


async def through_redis(plan: LoadPlan, url: str) -> Outcome:
    runtime = open_runtime(url)
    freeze_heap()
    try:
        return await run_load(runtime, plan, rooms(plan.sessions))
    finally:
        await runtime.aclose()


def measure(plan: LoadPlan, rounds: int, model: str) -> tuple[Side, Side]:
    """One after the other, so that what the machine does meanwhile hits both."""
    here, there = Side("embedded", []), Side("Redis", [])
    for number in range(rounds):
        here.runs.append(asyncio.run(embedded(plan, model)))
        print(" | ".join(row(here.name, f"{number + 1}", here.runs[-1])), flush=True)
        with Fleet() as fleet:
            fleet.hire(slots=plan.sessions, model=model)
            there.runs.append(asyncio.run(through_redis(plan, fleet.url)))
        print(" | ".join(row(there.name, f"{number + 1}", there.runs[-1])), flush=True)
    return here, there


def row(name: str, number: str, outcome: Outcome) -> list[str]:
    carried = outcome.stages[LatencyStage.CARRIED]
    values = [
        *(outcome.decisions.percentile(share) for share in (50, 95, 99, 100)),
        outcome.stages[LatencyStage.QUEUED].percentile(99),
        carried.percentile(50),
        carried.percentile(99),
    ]
    figures = [f"{value:.1f}" for value in values]
    return [name, number, *figures, str(outcome.decisions.count), str(outcome.lost_chunks)]


def both(sides: Sequence[Side]) -> list[list[str]]:
    """Every run."""
    return [
        row(side.name, f"{number + 1}", run)
        for side in sides
        for number, run in enumerate(side.runs)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--talk", type=float, default=0.15)
    parser.add_argument("--seconds", type=float, default=54.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    given = parser.parse_args()
    plan = LoadPlan(given.sessions, talk=given.talk, seconds=given.seconds, warm_up_s=WARM_UP_S)
    if given.smoke:
        plan, given.rounds = LoadPlan(2, seconds=4.0, warm_up_s=1.0), 1
    sides = measure(plan, given.rounds, given.model)
    here, there = (side.decisions for side in sides)
    added = {share: there.percentile(share) - here.percentile(share) for share in (50, 99)}
    if not given.smoke:
        rows = [(side.name, side.decisions) for side in sides]
        title = f"{plan.sessions} sessions, {plan.talk:.0%} talking: chunk due to decision here"
        draw_times("redis_latency", rows, title=title)
    summary = (
        f"All runs together: embedded p50 {here.percentile(50):.1f}, p99 {here.percentile(99):.1f} "
        f"ms; Redis p50 {there.percentile(50):.1f}, p99 {there.percentile(99):.1f} ms. Added: p50 "
        f"{added[50]:+.1f}, p99 {added[99]:+.1f} ms (goal: at most {GOAL_MS:+.0f})."
    )
    finish(
        Result(
            name="redis_latency",
            title="What Redis adds to a decision",
            command=this_command("redis_latency"),
            hardware=describe(),
            columns=COLUMNS,
            rows=both(sides),
            notes=[summary, METHOD],
            headlines={
                f"Redis against embedded at {plan.sessions} sessions, decision p99": (
                    f"{added[99]:+.1f} ms"
                )
            },
        ),
        keep=not given.smoke,
    )  # fmt: skip


if __name__ == "__main__":
    main()
