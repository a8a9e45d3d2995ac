"""The whole way on one machine: sessions in this process, Redis, a worker process on the card."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.gpu.crowd import REPLYING, sounds
from benchmarks.recovery_watch import Watch, kill, until
from interject.cli.bench.load import run_load
from interject.cli.bench.looped_sound import LoopedSound, RoomSound
from interject.cli.bench.outcome import LatencyStage, Outcome
from interject.cli.bench.plan import LoadPlan
from interject.model_runtime import open_runtime
from interject.model_runtime.network.architecture import TowerShape
from interject.model_runtime.protocol import FRAME_S

if TYPE_CHECKING:
    from benchmarks.servers import Fleet

COLUMNS = [
    "sessions", "decision p50, ms", "decision p99, ms", "worst, ms", "over 100 ms", "over 400 ms",
    "decided", "not decided", "in the engine's queue p50, ms", "p99", "on the way p50, ms", "p99",
    "first token p50, ms", "client, of a core", "Redis, of a core", "worker, of a core",
]  # fmt: skip
NOTE = (
    "Open loop, as `interject bench` does it, from the moment a chunk was due to its decision in "
    "this process, which opens the sessions and sends their sound; Redis and the worker are "
    f"processes of their own on the same machine. {REPLYING:.0%} of the time talking. Sessions "
    "begin with empty slots. CPU time is that of the seconds in which latency was measured."
)
KILL_COLUMNS = [
    "sessions", "positions heard a session", "all decided for again, s", "half of them, s",
    "longest wait of a chunk, s", "sessions that failed",
]  # fmt: skip
KILL_NOTE = (
    "kill -9 of the worker; another one, without sessions, stands by on the same card. From the "
    "kill until each session has had the decision of a chunk that was due after it."
)
READY = "the worker on the card is there"
NEEDED = ("redis", "hiredis", "psutil")
SETTLE_S = 2.0
LONGEST_S = 3_600.0
"""It is stopped before."""


def missing() -> str | None:
    """What this section lacks on this machine, or nothing."""
    lacks = ["redis-server"] if shutil.which("redis-server") is None else []
    lacks += [f"the package {name}" for name in NEEDED if not _is_there(name)]
    return ", ".join(lacks) or None


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


@dataclass(frozen=True)
class WorkerPlan:
    """What a worker process is started with."""

    slots: int
    context: int
    kv_cache_dtype: str
    eviction: str
    tiny: bool

    def words(self, url: str, name: str) -> list[str]:
        """Of its command line, behind `python`."""
        return [
            "-m", "benchmarks.gpu.worker", url, "--name", name, "--slots", str(self.slots),
            "--context", str(self.context), "--kv-cache-dtype", self.kv_cache_dtype,
            "--eviction", self.eviction, *(["--tiny"] if self.tiny else []),
        ]  # fmt: skip


async def row(fleet: Fleet, sessions: int, seconds: float) -> list[str]:
    """Of a fleet with one worker."""
    runtime = open_runtime(fleet.url)
    outcome = Outcome()
    plan = LoadPlan(sessions, talk=REPLYING, seconds=seconds, warm_up_s=seconds / 4)
    try:
        async with asyncio.TaskGroup() as tasks:
            name = f"of-{sessions}"
            load = run_load(runtime, plan, rooms(sessions), name=name, outcome=outcome)
            running = tasks.create_task(load, name="load")
            await until(lambda: outcome.decisions.count > 0 or running.done())
            begun, before = time.monotonic(), _cpu_s(fleet)
            await asyncio.wait([running], timeout=seconds - plan.warm_up_s)
            shares = [
                (after - then) / (time.monotonic() - begun)
                for after, then in zip(_cpu_s(fleet), before, strict=True)
            ]
    finally:
        await runtime.aclose()
    return [str(sessions), *_figures(outcome), *(f"{share:.0%}" for share in shares)]


async def kill_row(fleet: Fleet, plan: WorkerPlan, sessions: int, seconds: float) -> list[str]:
    """Hear for `seconds` at least, until a second worker stands by; then kill the first."""
    runtime = open_runtime(fleet.url)
    watch, stop, outcome = Watch(sessions), asyncio.Event(), Outcome()
    load = LoadPlan(sessions, talk=REPLYING, seconds=LONGEST_S, warm_up_s=0.0)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = run_load(
                runtime, load, rooms(sessions), outcome=outcome, stop=stop, observer=watch
            )
            tasks.create_task(running, name="load")
            await until(lambda: watch.longest_s > 0)
            begun = time.monotonic()
            (victim,) = fleet.workers
            next_one = fleet.begin(*plan.words(fleet.url, "standing-by"), ready=READY)
            await until(lambda: next_one.is_ready)
            await asyncio.sleep(begun + max(seconds, load.arrival_s + SETTLE_S) - time.monotonic())
            heard_s = time.monotonic() - begun - load.arrival_s / 2
            recovery = await kill(victim, watch)
            stop.set()
    finally:
        await runtime.aclose()
    back = sorted(at - watch.killed_at for at in watch.back.values())
    return [
        str(sessions),
        f"{heard_s / FRAME_S * TowerShape().chunk_positions:.0f}",
        f"{recovery.flowing_s:.2f}",
        f"{back[len(back) // 2]:.2f}",
        f"{recovery.longest_wait_s:.2f}",
        "; ".join(sorted(set(outcome.failures))) or "0",
    ]


def rooms(count: int) -> list[RoomSound]:
    """Noise of several levels, which begins elsewhere for each session."""
    recording = LoopedSound(b"".join(pcm for pcm, _ in sounds()))
    draw = np.random.default_rng(1)
    return [RoomSound(recording, int(draw.integers(recording.samples))) for _ in range(count)]


def _cpu_s(fleet: Fleet) -> tuple[float, float, float]:
    (worker,) = fleet.workers
    return time.process_time(), fleet.redis.cpu_s(), worker.cpu_s()


def _figures(outcome: Outcome) -> list[str]:
    stages = outcome.stages
    queued, carried = stages[LatencyStage.QUEUED], stages[LatencyStage.CARRIED]
    return [
        *(f"{outcome.decisions.percentile(share):.1f}" for share in (50, 99, 100)),
        str(outcome.over_p99_limit),
        str(outcome.over_limit),
        str(outcome.decisions.count),
        str(outcome.lost_chunks),
        *(f"{stage.percentile(share):.1f}" for stage in (queued, carried) for share in (50, 99)),
        f"{stages[LatencyStage.FIRST_TOKEN].percentile(50):.1f}",
    ]
