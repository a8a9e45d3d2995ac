"""The way of a frame through Redis to the engine's queue, and of its decision back."""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from benchmarks.hardware import describe
from benchmarks.null_worker import READY
from benchmarks.pictures import draw_times
from benchmarks.result import Result, finish, this_command
from benchmarks.room import rooms
from benchmarks.servers import Fleet
from interject.cli.bench.histogram import Histogram
from interject.model_runtime.heap import freeze_heap
from interject.model_runtime.protocol import (
    FRAME_S,
    Decision,
    Gap,
    RuntimeSession,
    SessionOptions,
)
from interject.model_runtime.redis.client.runtime import RedisRuntime

if TYPE_CHECKING:
    from collections.abc import Iterator

P99_GOAL_MS = 5.0
WARM_UP_S = 4.0
OPENING_AT_ONCE = 32
LEAST_LATE_S = 0.001
"""Timers of the event loop are no finer than this."""
METHOD = (
    "What is measured is the way, not the engine: this machine's cores cannot decide for so many "
    "sessions, so the worker's engine is replaced by one that decides at once. Redis, the client "
    "runtime, the worker's reading, journal and writing loops and the wire are the real ones, each "
    "in a process of its own, all on this machine's cores. Phases spread over the 400 ms, 12.8 KB "
    "each 400 ms a session, pushed when due by one task for all of them. In: from `push` to the "
    "engine's queue. Back: from the decision to its event at the client. One monotonic clock "
    "serves all processes."
)


@dataclass
class Hop:
    """Both ways, after the warm-up, in ms. `late` is how late the client itself began to push."""

    there: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    lost: int = 0

    def take(self, decision: Decision, pushed: float, now: float) -> None:
        """See `NullEngine` for what the logits are."""
        self.there.append(1e3 * (decision.silent_logit - pushed))
        self.back.append(1e3 * (now - decision.respond_logit))


@dataclass(frozen=True)
class Cpu:
    """CPU time of each process, in seconds."""

    redis: float
    worker: float
    client: float

    @classmethod
    def now(cls, fleet: Fleet) -> Cpu:
        own = psutil.Process().cpu_times()
        return cls(fleet.redis.cpu_s(), fleet.workers[0].cpu_s(), own.user + own.system)

    def share(self, later: Cpu, seconds: float) -> Cpu:
        """Of one core."""
        return Cpu(
            *(
                (getattr(later, name) - getattr(self, name)) / seconds
                for name in ("redis", "worker", "client")
            )
        )


class Crowd:
    """Everybody's frames in real time, whether or not decisions come."""

    def __init__(self, sessions: list[RuntimeSession], seconds: float, hop: Hop) -> None:
        self._sessions = sessions
        self._rooms = rooms(len(sessions))
        self._pushed: list[dict[int, float]] = [{} for _ in sessions]
        self._frames = round(seconds / FRAME_S)
        self._hop = hop

    async def run(self, begin: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(len(self._sessions)):
                tasks.create_task(self._receive(number, begin + WARM_UP_S))
            await self._send(begin)
            for session in self._sessions:
                await session.finish()
        self._hop.lost += sum(map(len, self._pushed))

    async def _send(self, begin: float) -> None:
        """One task for all: a timer for each frame of each session would cost more than its way."""
        for due, number, seq in self._plan(begin):
            if (wait_s := due - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            frame = self._rooms[number].frame(seq, due)
            pushed = self._pushed[number][seq] = time.monotonic()
            if due >= begin + WARM_UP_S:
                self._hop.late.append(1e3 * (pushed - due))
            await self._sessions[number].push(frame)
            if pushed > due + LEAST_LATE_S:
                await asyncio.sleep(0)

    def _plan(self, begin: float) -> Iterator[tuple[float, int, int]]:
        """When whose frame is due: each at a time of its own within the 400 ms."""
        phases = [(number * 0.6180339887 % 1.0, number) for number in range(len(self._sessions))]
        for seq in range(self._frames):
            for phase, number in sorted(phases):
                yield begin + FRAME_S * (seq + phase), number, seq

    async def _receive(self, number: int, since: float) -> None:
        hop, pushed = self._hop, self._pushed[number]
        async for event in self._sessions[number].events():
            if isinstance(event, Decision):
                at = pushed.pop(event.seq)
                if at >= since:
                    hop.take(event, at, time.monotonic())
            elif isinstance(event, Gap):
                hop.lost += event.count


async def open_sessions(runtime: RedisRuntime, count: int) -> list[RuntimeSession]:
    turn = asyncio.Semaphore(OPENING_AT_ONCE)

    async def opened(number: int) -> RuntimeSession:
        async with turn:
            return await runtime.open(SessionOptions(f"hop-{number}", threshold=1.0))

    async with asyncio.TaskGroup() as tasks:
        opening = [tasks.create_task(opened(number)) for number in range(count)]
    return [task.result() for task in opening]


async def measure(fleet: Fleet, count: int, seconds: float) -> tuple[Hop, Cpu]:
    hop = Hop()
    freeze_heap()
    async with RedisRuntime(fleet.url) as runtime:
        crowd = Crowd(await open_sessions(runtime, count), seconds, hop)
        print(f"{count} sessions are open", flush=True)
        begin = time.monotonic() + 0.5
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(crowd.run(begin))
            await asyncio.sleep(0.5 + WARM_UP_S)
            before, since = Cpu.now(fleet), time.monotonic()
            await asyncio.sleep(seconds - WARM_UP_S - 0.5)
            cpu = before.share(Cpu.now(fleet), time.monotonic() - since)
    return hop, cpu


def histogram(times_ms: list[float]) -> Histogram:
    times = Histogram()
    for time_ms in times_ms:
        times.add(time_ms)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=int, nargs="+", default=[100, 300, 1_000])
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.sessions, arguments.seconds = [4], 5.2
    rows = []
    for count in arguments.sessions:
        with Fleet() as fleet:
            fleet.add("-m", "benchmarks.null_worker", fleet.url, str(count), ready=READY)
            hop, cpu = asyncio.run(measure(fleet, count, arguments.seconds))
        there, back = histogram(hop.there), histogram(hop.back)
        rows.append(row(count, hop, there, back, cpu))
        print(" | ".join(rows[-1]), flush=True)
    if not arguments.smoke:
        title = f"{count} sessions through Redis"
        draw_times(
            "redis_hop",
            [("push to the engine's queue", there), ("decision to its event", back)],
            title=title, limit_ms=P99_GOAL_MS,
        )  # fmt: skip
    finish(
        Result(
            name="redis_hop",
            title="The way through Redis",
            command=this_command("redis_hop"),
            hardware=describe(),
            columns=COLUMNS,
            rows=rows,
            notes=[METHOD],
            headlines={
                f"through Redis at {count} sessions, p99": (
                    f"in {there.percentile(99):.1f} ms, back {back.percentile(99):.1f} ms"
                )
            },
        ),
        keep=not arguments.smoke,
    )  # fmt: skip


COLUMNS = [
    "sessions", "in p50, ms", "in p99, ms", "in max, ms", "back p50, ms", "back p99, ms",
    "back max, ms", "client late p99, ms", "CPU of Redis", "CPU of the worker",
    "CPU of the client", "frames", "lost",
]  # fmt: skip


def row(count: int, hop: Hop, there: Histogram, back: Histogram, cpu: Cpu) -> list[str]:
    times = [way.percentile(share) for way in (there, back) for share in (50, 99, 100)]
    shares = [f"{share:.0%}" for share in (cpu.redis, cpu.worker, cpu.client)]
    figures = [f"{value:.1f}" for value in (*times, histogram(hop.late).percentile(99))]
    return [str(count), *figures, *shares, str(there.count), str(hop.lost)]


if __name__ == "__main__":
    main()
