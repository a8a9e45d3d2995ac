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
from interject.cli.heap import freeze_heap
from interject.model_runtime.protocol import (
    FRAME_S,
    Decision,
    Gap,
    RuntimeSession,
    SessionOptions,
)
from interject.model_runtime.redis.runtime import RedisRuntime

if TYPE_CHECKING:
    from interject.cli.bench.recording import Room

P99_GOAL_MS = 5.0
WARM_UP_S = 4.0
OPENING_AT_ONCE = 32
METHOD = (
    "What is measured is the way, not the engine: this machine's cores cannot decide for so many "
    "sessions, so the worker's engine is replaced by one that decides at once. Redis, the client "
    "runtime, the worker's reading, journal and writing loops and the wire are the real ones, each "
    "in a process of its own, all on this machine's cores. Random phases, 12.8 KB each 400 ms a "
    "session. In: from `push` to the engine's queue. Back: from the decision to its event at the "
    "client. One monotonic clock serves all processes."
)


@dataclass
class Hop:
    """Both ways, after the warm-up. `late_ms` is how late the client itself began to push."""

    there: Histogram = field(default_factory=Histogram)
    back: Histogram = field(default_factory=Histogram)
    late: Histogram = field(default_factory=Histogram)
    lost: int = 0

    def take(self, decision: Decision, pushed: float, now: float) -> None:
        """See `NullEngine` for what the logits are."""
        self.there.add(1e3 * (decision.silent_logit - pushed))
        self.back.add(1e3 * (now - decision.respond_logit))


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


async def send(session: RuntimeSession, room: Room, begin: float, seconds: float, hop: Hop) -> None:
    """One session in real time, whether or not decisions come."""
    pushed: dict[int, float] = {}

    async def receive() -> None:
        async for event in session.events():
            if isinstance(event, Decision):
                at = pushed.pop(event.seq)
                if at >= begin + WARM_UP_S:
                    hop.take(event, at, time.monotonic())
            elif isinstance(event, Gap):
                hop.lost += event.count

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(receive())
        for seq in range(round(seconds / FRAME_S)):
            due = begin + seq * FRAME_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            frame = room.frame(seq, due)
            pushed[seq] = time.monotonic()
            if due >= begin + WARM_UP_S:
                hop.late.add(1e3 * (pushed[seq] - due))
            await session.push(frame)
        await session.finish()
    hop.lost += len(pushed)


async def open_sessions(runtime: RedisRuntime, count: int) -> list[RuntimeSession]:
    turn = asyncio.Semaphore(OPENING_AT_ONCE)

    async def opened(number: int) -> RuntimeSession:
        async with turn:
            return await runtime.open(SessionOptions(f"hop-{number}", threshold=1.0))

    async with asyncio.TaskGroup() as tasks:
        opening = [tasks.create_task(opened(number)) for number in range(count)]
    return [task.result() for task in opening]


async def measure(fleet: Fleet, count: int, seconds: float) -> tuple[Hop, Cpu]:
    hop, room_list = Hop(), rooms(count)
    freeze_heap()
    async with RedisRuntime(fleet.url) as runtime:
        sessions = await open_sessions(runtime, count)
        print(f"{count} sessions are open", flush=True)
        begin = time.monotonic() + 0.5
        async with asyncio.TaskGroup() as tasks:
            for number, session in enumerate(sessions):
                phase = FRAME_S * (number * 0.6180339887 % 1.0)
                tasks.create_task(send(session, room_list[number], begin + phase, seconds, hop))
            await asyncio.sleep(0.5 + WARM_UP_S)
            before, since = Cpu.now(fleet), time.monotonic()
            await asyncio.sleep(seconds - WARM_UP_S - 0.5)
            cpu = before.share(Cpu.now(fleet), time.monotonic() - since)
    return hop, cpu


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
        rows.append(row(count, hop, cpu))
        print(" | ".join(rows[-1]), flush=True)
    if not arguments.smoke:
        title = f"{count} sessions through Redis"
        draw_times(
            "redis_hop",
            [("push to the engine's queue", hop.there), ("decision to its event", hop.back)],
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
                    f"in {hop.there.percentile(99):.1f} ms, back {hop.back.percentile(99):.1f} ms"
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


def row(count: int, hop: Hop, cpu: Cpu) -> list[str]:
    times = [
        histogram.percentile(share)
        for histogram in (hop.there, hop.back)
        for share in (50, 99, 100)
    ]
    shares = [f"{share:.0%}" for share in (cpu.redis, cpu.worker, cpu.client)]
    figures = [f"{value:.1f}" for value in (*times, hop.late.percentile(99))]
    return [str(count), *figures, *shares, str(hop.there.count), str(hop.lost)]


if __name__ == "__main__":
    main()
