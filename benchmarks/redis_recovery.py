"""How long sessions are silent when a worker that holds them is killed with kill -9."""

from __future__ import annotations

import argparse
import asyncio

from benchmarks.hardware import describe
from benchmarks.pictures import draw_recovery
from benchmarks.recovery_watch import Recovery, Watch, kill, restart
from benchmarks.result import Result, finish, percentile, this_command
from benchmarks.room import rooms
from benchmarks.servers import Fleet
from interject.cli.bench.load import run_load
from interject.cli.bench.outcome import Outcome
from interject.cli.bench.plan import ARRIVAL_S, LoadPlan
from interject.model_runtime import open_runtime
from interject.model_runtime.heap import freeze_heap

GOAL_S = 2.0
FIRST_KILL_S = 3.0
SECONDS_A_KILL = 60.0
"""An upper bound, for the length of the load."""
METHOD = (
    "The workers are killed in turn: one is killed, started again, and once it is ready the next "
    "one is killed. A worker that was started again is empty until it takes over what the next "
    "kill leaves behind. Flowing again: from the kill until every session has had the decision of "
    "a chunk that was due after the kill; a session's next chunk may be due up to 0.4 s later, and "
    "that wait is included. Longest wait: of all chunks around the kill, from when it was due to "
    "its decision. Starting Python and loading the model again is not part of it, but runs on the "
    "same cores."
)
COLUMNS = [
    "", "p50, s", "p95, s", "p99, s", "max, s",
]  # fmt: skip


async def measure(fleet: Fleet, plan: LoadPlan, kills: int) -> tuple[list[Recovery], Outcome]:
    """Kill the workers in turn while the load goes on."""
    runtime = open_runtime(fleet.url)
    freeze_heap()
    watch, stop, outcome = Watch(plan.sessions), asyncio.Event(), Outcome()
    recoveries: list[Recovery] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            load = run_load(
                runtime, plan, rooms(plan.sessions), outcome=outcome, stop=stop, observer=watch
            )
            tasks.create_task(load, name="load")
            await asyncio.sleep(plan.arrival_s + FIRST_KILL_S)
            for number in range(kills):
                victim = fleet.workers[number % len(fleet.workers)]
                recoveries.append(await kill(victim, watch))
                last = recoveries[-1]
                print(f"kill {number + 1}: {last.flowing_s:.2f} s, longest wait "
                      f"{last.longest_wait_s:.2f} s", flush=True)  # fmt: skip
                await restart(victim)
            stop.set()
    finally:
        await runtime.aclose()
    return recoveries, outcome


def row(name: str, values: list[float]) -> list[str]:
    return [name, *(f"{percentile(values, share):.2f}" for share in (50, 95, 99, 100))]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--slots", type=int, default=10, help="of each worker")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--talk", type=float, default=0.15)
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    given = parser.parse_args()
    if given.smoke:
        given.sessions, given.workers, given.kills = 2, 2, 1
    seconds = ARRIVAL_S + SECONDS_A_KILL * (given.kills + 2)
    plan = LoadPlan(given.sessions, talk=given.talk, seconds=seconds)
    with Fleet() as fleet:
        for _ in range(given.workers):
            fleet.hire(slots=given.slots)
        recoveries, outcome = asyncio.run(measure(fleet, plan, given.kills))
    flowing = [recovery.flowing_s for recovery in recoveries]
    waits = [recovery.longest_wait_s for recovery in recoveries]
    if not given.smoke:
        draw_recovery(flowing, waits, goal_s=GOAL_S)
    failed = "; ".join(outcome.failures) or "none"
    count = (
        f"{len(flowing)} kills at {plan.sessions} sessions on {given.workers} workers of "
        f"{given.slots} slots, {plan.talk:.0%} talking; "
        f"{sum(value <= GOAL_S for value in flowing)} within {GOAL_S:.0f} s. "
        f"{outcome.decisions.count} chunks decided, {outcome.lost_chunks} lost; sessions "
        f"that failed: {failed}."
    )
    finish(
        Result(
            name="redis_recovery",
            title="After kill -9 of a worker",
            command=this_command("redis_recovery"),
            hardware=describe(),
            columns=COLUMNS,
            rows=[
                row("all decisions flowing again", flowing),
                row("longest wait of a chunk", waits),
            ],
            notes=[count, METHOD],
            headlines={
                f"decisions flow again after kill -9 of a worker, {plan.sessions} sessions": (
                    f"median {percentile(flowing, 50):.2f} s, longest {max(flowing):.2f} s of "
                    f"{len(flowing)}"
                )
            },
            series={"flowing_s": flowing, "longest_wait_s": waits},
        ),
        keep=not given.smoke,
    )  # fmt: skip


if __name__ == "__main__":
    main()
