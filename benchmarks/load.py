"""Open-loop load: how many real-time streams one machine decides for in time.

The protocol is that of `interject bench`, which measures one load; here the load rises until it is
too high. Capacity is the largest number of streams with a p99 of at most 100 ms and no chunk above
400 ms.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from benchmarks.hardware import describe
from benchmarks.pictures import draw_load
from benchmarks.result import Result, finish, this_command
from benchmarks.room import rooms
from interject.cli.bench.load import run_load
from interject.cli.bench.plan import LIMIT_MS, P99_LIMIT_MS, SPOKEN_TOKENS_PER_S, LoadPlan
from interject.model_runtime import open_runtime
from interject.model_runtime.heap import freeze_heap

if TYPE_CHECKING:
    from interject.cli.bench.outcome import Outcome

RAMP = (5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100)
METHOD = (
    "Open loop, sessions that come one by one; latency runs from the moment a chunk was due. "
    "Capacity: the largest "
    f"number with a p99 of at most {P99_LIMIT_MS:.0f} ms and no chunk above {LIMIT_MS:.0f} ms. The "
    "load generator runs in the same process. A reply counts as talking for one second per "
    f"{SPOKEN_TOKENS_PER_S:.0f} tokens."
)
COLUMNS = [
    "streams", "talking", "p50, ms", "p95, ms", "p99, ms", "max, ms", "over 100 ms", "over 400 ms",
    "chunks", "reply tokens", "not heard",
]  # fmt: skip


def row(outcome: Outcome, streams: int, talk: float) -> list[str]:
    """A chunk that was never decided is over every limit."""
    quantiles = (outcome.decisions.percentile(share) for share in (50, 95, 99, 100))
    return [
        str(streams),
        f"{talk:.0%}",
        *(f"{value:.1f}" for value in quantiles),
        str(outcome.over_p99_limit + outcome.lost_chunks),
        str(outcome.over_limit + outcome.lost_chunks),
        str(outcome.decisions.count),
        str(outcome.reply_tokens),
        str(outcome.lost_chunks),
    ]


async def ramp(arguments: argparse.Namespace) -> tuple[list[list[str]], dict[str, str]]:
    """Rows of every load that was tried, and the capacity at each talk plan."""
    rows, capacities = [], {}
    for talk in arguments.talk:
        capacity = 0
        for streams in arguments.streams:
            runtime = open_runtime(arguments.model, slots=streams)
            freeze_heap()
            try:
                plan = LoadPlan(streams, talk=talk, seconds=arguments.seconds)
                outcome = await run_load(runtime, plan, rooms(streams))
            finally:
                await runtime.aclose()
            rows.append(row(outcome, streams, talk))
            print(" | ".join(rows[-1]), flush=True)
            if not outcome.passed:
                break
            capacity = streams
        name = f"concurrent real-time streams, {talk:.0%} of the time talking"
        capacities[name] = f"{capacity} (runs of {arguments.seconds:.0f} s)"
    return rows, capacities


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="embedded:nano")
    parser.add_argument("--streams", type=int, nargs="+", default=list(RAMP))
    parser.add_argument("--talk", type=float, nargs="+", default=[0.0, 0.15])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--name", default="load", help="name under which the result is kept")
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.streams, arguments.seconds = [2], 8.0
    rows, capacities = asyncio.run(ramp(arguments))
    if not arguments.smoke:
        draw_load(arguments.name, rows)
    finish(
        Result(
            name=arguments.name,
            title="Concurrent real-time streams",
            command=this_command("load"),
            hardware=describe(),
            columns=COLUMNS,
            rows=rows,
            notes=[f"Capacity: {c} {name}." for name, c in capacities.items()] + [METHOD],
            headlines=capacities,
        ),
        keep=not arguments.smoke,
    )  # fmt: skip


if __name__ == "__main__":
    main()
