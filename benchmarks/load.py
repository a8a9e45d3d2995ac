"""Open-loop load: how many real-time streams one machine decides for in time.

Every stream sends 12.8 KB each 400 ms at a phase of its own, whether or not earlier chunks have
been decided. Latency runs from the moment at which a chunk was due to its decision's arrival, so
a load generator or an engine that falls behind is not forgiven. Capacity is the largest number of
streams with a p99 of at most 100 ms and no chunk above 400 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from dataclasses import dataclass, field
from functools import cache

from benchmarks.hardware import describe
from benchmarks.pictures import draw_load
from benchmarks.result import Result, finish, percentile, this_command
from benchmarks.room import Room
from interject.model_runtime import open_runtime
from interject.model_runtime.protocol import (
    FRAME_S,
    Decision,
    Gap,
    ReplyEnded,
    Runtime,
    RuntimeSession,
    SessionOptions,
)

P99_LIMIT_MS = 100.0
LIMIT_MS = 400.0
RAMP = (5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100)
SPOKEN_TOKENS_PER_S = 5.0
"""How fast a voice says tokens: what a reply of n tokens counts as in the talk plan."""
WARM_UP_S = 4.0
NEVER = 1.0
MAX_REPLY_TOKENS = 24
METHOD = (
    "Open loop, random phases; latency runs from the moment a chunk was due. Capacity: the largest "
    f"number with a p99 of at most {P99_LIMIT_MS:.0f} ms and no chunk above {LIMIT_MS:.0f} ms. The "
    "load generator runs in the same process. A reply counts as talking for one second per "
    f"{SPOKEN_TOKENS_PER_S:.0f} tokens."
)
COLUMNS = [
    "streams", "talking", "p50, ms", "p95, ms", "p99, ms", "max, ms", "over 100 ms", "over 400 ms",
    "chunks", "reply tokens", "not heard",
]  # fmt: skip


@dataclass
class Outcome:
    """What all streams of one run saw after the warm-up."""

    latencies_ms: list[float] = field(default_factory=list)
    reply_tokens: int = 0
    lost_chunks: int = 0

    def over(self, limit_ms: float) -> int:
        """Chunks decided later than that; those never decided count."""
        return sum(latency > limit_ms for latency in self.latencies_ms) + self.lost_chunks

    @property
    def passed(self) -> bool:
        in_time = percentile(self.latencies_ms, 99) <= P99_LIMIT_MS
        return in_time and self.over(LIMIT_MS) == 0

    def row(self, streams: int, talk: float) -> list[str]:
        quantiles = (percentile(self.latencies_ms, share) for share in (50, 95, 99, 100))
        return [
            str(streams),
            f"{talk:.0%}",
            *(f"{value:.1f}" for value in quantiles),
            str(self.over(P99_LIMIT_MS)),
            str(self.over(LIMIT_MS)),
            str(len(self.latencies_ms)),
            str(self.reply_tokens),
            str(self.lost_chunks),
        ]


class Stream:
    """One session under load: a sender on the clock, a receiver, and a talk plan."""

    def __init__(
        self, session: RuntimeSession, *, seed: int, talk: float, outcome: Outcome
    ) -> None:
        self._session = session
        self._room = room(seed)
        self._random = random.Random(seed)
        self._talk = talk
        self._outcome = outcome
        self._due: dict[int, float] = {}
        self._answer_at = float("inf")

    async def run(self, begin: float, seconds: float) -> None:
        """Send for so long, then wait for what is still owed."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._receive(begin + WARM_UP_S), name="receive")
            await self._send(begin + self._random.random() * FRAME_S, seconds)
            await self._session.finish()

    async def _send(self, begin: float, seconds: float) -> None:
        now = asyncio.get_running_loop().time
        self._plan_reply(begin, tokens=10)
        for seq in range(round(seconds / FRAME_S)):
            due = begin + (seq + 1) * FRAME_S
            await asyncio.sleep(max(0.0, due - now()))
            self._due[seq] = due
            await self._session.push(self._room.frame(seq, due - FRAME_S))
            if due >= self._answer_at:
                self._answer_at = float("inf")
                await self._session.answer_now()

    async def _receive(self, measured_from: float) -> None:
        now = asyncio.get_running_loop().time
        async for event in self._session.events():
            match event:
                case Decision(seq=seq):
                    due = self._due.pop(seq)
                    if due >= measured_from:
                        self._outcome.latencies_ms.append(1e3 * (now() - due))
                case ReplyEnded(token_count=count):
                    self._outcome.reply_tokens += count
                    self._plan_reply(now(), tokens=count)
                case Gap(count=count):
                    self._outcome.lost_chunks += count

    def _plan_reply(self, now: float, tokens: int) -> None:
        """The next reply comes so much later that the talk plan's share is kept on average."""
        if self._talk > 0:
            mean_s = max(tokens, 1) / SPOKEN_TOKENS_PER_S / self._talk
            self._answer_at = now + self._random.uniform(0.5, 1.5) * mean_s


@cache
def room(seed: int) -> Room:
    """Rooms are read before the clock starts, once."""
    return Room(seed)


async def run_streams(runtime: Runtime, streams: int, talk: float, seconds: float) -> Outcome:
    """One run at one load."""
    outcome = Outcome()
    # Rooms that set off the model would add replies to the talk plan's.
    options = [
        SessionOptions(f"load-{n}", threshold=NEVER, max_reply_tokens=MAX_REPLY_TOKENS)
        for n in range(streams)
    ]
    sessions = [await runtime.open(one) for one in options]
    plans = [
        Stream(session, seed=seed, talk=talk, outcome=outcome)
        for seed, session in enumerate(sessions)
    ]
    begin = asyncio.get_running_loop().time() + 0.5
    async with asyncio.TaskGroup() as tasks:
        for plan in plans:
            tasks.create_task(plan.run(begin, seconds))
    return outcome


async def ramp(arguments: argparse.Namespace) -> tuple[list[list[str]], dict[str, str]]:
    """Rows of every load that was tried, and the capacity at each talk plan."""
    rows, capacities = [], {}
    for talk in arguments.talk:
        capacity = 0
        for streams in arguments.streams:
            runtime = open_runtime(arguments.model, slots=streams)
            try:
                outcome = await run_streams(runtime, streams, talk, arguments.seconds)
            finally:
                await runtime.aclose()
            rows.append(outcome.row(streams, talk))
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
