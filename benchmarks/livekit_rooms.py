"""What a room costs: CPU and memory of every process, with more and more rooms on one worker."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from benchmarks.hardware import describe
from benchmarks.livekit_agents import READY
from benchmarks.livekit_events import room_events
from benchmarks.livekit_people import Microphone
from benchmarks.livekit_stage import Stage
from benchmarks.pictures import draw_rooms
from benchmarks.result import Result, finish, percentile, this_command
from interject.cli.bench.sounds import speak_recording
from interject.integrations.livekit.jobs.dispatching import dispatch
from interject.integrations.livekit.room.data_topics import DECISION_TOPIC
from interject.model_runtime.protocol import FRAME_S, SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from livekit import rtc
    from numpy.typing import NDArray

    from benchmarks.livekit_stage import Family

MIB = 1 << 20
LATE_MS = 400.0
"""A chunk that waits longer than it lasts: the machine cannot carry so many rooms."""
COMING_S = 30.0
ATTEMPTS = 3
BLOCK_MS = 50
PROFILE = """
system_prompt: >-
  You are a helpful assistant. When there is no user text, if the audio contains a question,
  please answer it. If it is a sound effect, determine based on the sound whether help is needed.
room: {telemetry: true}
"""
"""The default one, with decisions sent to the room."""
METHOD = (
    "`interject livekit start` with its default settings and local:nano; each room has one person "
    "who talks with short pauses and asks something about every 12 s. CPU time by psutil, in "
    "shares of one core, once the rooms are settled; a job is the process of one room, the model "
    "is one process for all rooms, the worker hands out jobs and keeps a spare process, and the "
    "server is LiveKit's. The people's process is not counted, but runs on the same cores. "
    "Decisions come back on the room's telemetry topic: from push to decision."
)


@dataclass(frozen=True)
class Use:
    """Shares of one core."""

    jobs: float
    model: float
    worker: float
    server: float

    @property
    def agents(self) -> float:
        """What Interject needs; the server may be anywhere."""
        return self.jobs + self.model + self.worker


@dataclass(frozen=True)
class Level:
    """So many rooms at once. Memory in MiB, the median job's; `own` is what it does not share."""

    rooms: int
    use: Use
    people: float
    job_mib: float
    own_mib: float
    model_mib: float
    decided_share: float
    queued_ms: list[float] = field(repr=False)

    @property
    def keeps_up(self) -> bool:
        return percentile(self.queued_ms, 99) <= LATE_MS


class Decisions:
    """What the rooms' telemetry says."""

    def __init__(self) -> None:
        self.queued_ms: list[float] = []

    def take(self, packet: rtc.DataPacket) -> None:
        if packet.topic == DECISION_TOPIC:
            self.queued_ms.append(1e3 * json.loads(packet.data)["queued_s"])


def cpu_s(processes: Sequence[psutil.Process]) -> dict[int, float]:
    used = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used[process.pid] = times.user + times.system
    return used


@dataclass(frozen=True)
class Cast:
    """Who is who among the processes."""

    jobs: list[psutil.Process]
    model: list[psutil.Process]
    worker: list[psutil.Process]
    server: list[psutil.Process]

    @classmethod
    def of(cls, stage: Stage, worker: Family) -> Cast:
        """A job has said in the worker's log that it hears a track."""
        hearing = {record["pid"] for record in _records(stage.log(worker), "A track is heard")}
        members = worker.members()
        model = [one for one in members if "interject.model_runtime.local.server" in _words(one)]
        jobs = [one for one in members if one.pid in hearing]
        rest = [one for one in members if one not in model and one not in jobs]
        return cls(jobs, model, rest, stage.server.members())

    def cpu_s(self) -> Use:
        """So far."""
        return Use(
            *(
                sum(cpu_s(processes).values())
                for processes in (self.jobs, self.model, self.worker, self.server)
            )
        )


def _records(log: str, message: str) -> list[dict[str, Any]]:
    found = []
    for line in log.splitlines():
        with contextlib.suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict) and record.get("message") == message:
                found.append(record)
    return found


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


async def talk() -> NDArray[np.int16]:
    """Two minutes or so of talk that asks nothing, with an event to answer every 12 s."""
    recording = await speak_recording()
    speech = np.frombuffer(recording.cut(0, recording.samples), np.int16)
    piece = 8 * SAMPLE_RATE_HZ
    silence = np.zeros(2 * SAMPLE_RATE_HZ, np.int16)
    parts: list[NDArray[np.int16]] = []
    for number, event in enumerate(room_events()):
        first = number * piece % len(speech)
        parts += [speech[first : first + piece], silence, event.samples, silence]
    return np.concatenate(parts)


async def measure(
    stage: Stage, worker: Family, levels: Sequence[int], settle_s: float, seconds: float
) -> list[Level]:
    sound, decisions = await talk(), Decisions()
    measured: list[Level] = []
    async with contextlib.AsyncExitStack() as stack:
        rooms = 0
        for level in levels:
            for number in range(rooms, level):
                await stack.enter_async_context(_person(stage, number, sound, decisions))
                await _agent(stage, worker, number)
            rooms = level
            await asyncio.sleep(settle_s)
            measured.append(await _level(stage, worker, rooms, seconds, decisions))
            print(" | ".join(row(measured[-1])), flush=True)
    return measured


def _person(
    stage: Stage, number: int, sound: NDArray[np.int16], decisions: Decisions
) -> Microphone:
    """Each begins at a place of his own."""
    place = round(number * 0.6180339887 % 1.0 * len(sound))
    return Microphone(
        stage.access,
        f"room-{number}",
        "person",
        background=np.roll(sound, place),
        hears=True,
        block_ms=BLOCK_MS,
        on_data=decisions.take,
    )


async def _agent(stage: Stage, worker: Family, number: int) -> None:
    """Ask for an agent, and again: a busy worker may answer the server too late.

    :raises RuntimeError: when none comes.
    """
    for _ in range(ATTEMPTS):
        await dispatch(stage.access, f"room-{number}", "interject")
        deadline = time.monotonic() + COMING_S
        while time.monotonic() < deadline:
            if len(Cast.of(stage, worker).jobs) > number:
                return
            await asyncio.sleep(0.2)
    raise RuntimeError(f"no agent came to room {number}: {stage.log(worker)[-1_000:]}")


async def _level(
    stage: Stage, worker: Family, rooms: int, seconds: float, decisions: Decisions
) -> Level:
    cast = Cast.of(stage, worker)
    own = [psutil.Process()]
    decisions.queued_ms.clear()
    before, began_at = (cast.cpu_s(), sum(cpu_s(own).values())), time.monotonic()
    await asyncio.sleep(seconds)
    elapsed_s = time.monotonic() - began_at
    after = (cast.cpu_s(), sum(cpu_s(own).values()))
    queued_ms = list(decisions.queued_ms)
    memory = [job.memory_full_info() for job in cast.jobs]
    return Level(
        rooms=rooms,
        use=Use(
            *(
                (getattr(after[0], name) - getattr(before[0], name)) / elapsed_s
                for name in ("jobs", "model", "worker", "server")
            )
        ),
        people=(after[1] - before[1]) / elapsed_s,
        job_mib=percentile([one.rss / MIB for one in memory], 50),
        own_mib=percentile([one.uss / MIB for one in memory], 50),
        model_mib=sum(one.memory_full_info().pss for one in cast.model) / MIB,
        decided_share=len(queued_ms) * FRAME_S / elapsed_s / rooms,
        queued_ms=queued_ms,
    )


COLUMNS = [
    "rooms", "jobs", "model", "worker", "server", "agents, a room", "with server, a room", "people",
    "decided", "queued p50, ms", "queued p99, ms", "job, MiB", "own, MiB", "model, MiB",
]  # fmt: skip


def row(level: Level) -> list[str]:
    use = level.use
    shares = [
        use.jobs, use.model, use.worker, use.server, use.agents / level.rooms,
        (use.agents + use.server) / level.rooms, level.people, level.decided_share,
    ]  # fmt: skip
    return [
        str(level.rooms),
        *(f"{share:.1%}" if share < 1 else f"{share:.0%}" for share in shares),
        f"{percentile(level.queued_ms, 50):.1f}",
        f"{percentile(level.queued_ms, 99):.1f}",
        *(f"{size:.0f}" for size in (level.job_mib, level.own_mib, level.model_mib)),
    ]


def a_room(levels: Sequence[Level]) -> tuple[float, float]:
    """Shares of a core that one more room costs: of the agents, and with the server."""
    rooms = [level.rooms for level in levels]
    agents = [level.use.agents for level in levels]
    whole = [level.use.agents + level.use.server for level in levels]
    if len(levels) < 2:
        return agents[0] / rooms[0], whole[0] / rooms[0]
    return float(np.polyfit(rooms, agents, 1)[0]), float(np.polyfit(rooms, whole, 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rooms", type=int, nargs="+", default=[1, 2, 4, 6])
    parser.add_argument("--settle", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument(
        "--smoke", "--quick", action="store_true", help="a quick run that is not kept"
    )
    given = parser.parse_args()
    if given.smoke:
        given.rooms, given.settle, given.seconds = [1], 1.0, 3.0
    levels = sorted(set(given.rooms))
    with Stage() as stage:
        worker = stage.hire(
            "-m", "interject.cli", "livekit", "start", "--slots", str(max(levels)),
            "--profile", str(_profile(stage.folder)), "--health", "127.0.0.1:0", ready=READY,
        )  # fmt: skip
        measured = asyncio.run(measure(stage, worker, levels, given.settle, given.seconds))
    report(measured, keep=not given.smoke)


def _profile(folder: Path) -> Path:
    path = folder / "benchmark.yaml"
    path.write_text(PROFILE, encoding="utf-8")
    return path


def report(levels: Sequence[Level], *, keep: bool) -> None:
    carried = [level for level in levels if level.keeps_up] or list(levels[:1])
    agents, whole = a_room(carried)
    if keep:
        parts = {
            name: [getattr(level.use, name) for level in levels]
            for name in ("jobs", "model", "worker", "server")
        }
        draw_rooms([level.rooms for level in levels], parts)
    cost = (
        f"One more room costs {agents:.1%} of a core ({whole:.1%} with LiveKit's server): "
        f"{1 / agents:.1f} rooms a core ({1 / whole:.1f} with the server). Counted from the levels "
        f"at which the p99 of the queue stayed under {LATE_MS:.0f} ms: up to {carried[-1].rooms} "
        "rooms here, beside the people and the server."
    )
    finish(
        Result(
            name="livekit_rooms",
            title="What a LiveKit room costs",
            command=this_command("livekit_rooms"),
            hardware=describe(),
            columns=COLUMNS,
            rows=[row(level) for level in levels],
            notes=[cost, METHOD],
            headlines={
                "CPU of a LiveKit room": f"{agents:.0%} of a core; {1 / agents:.1f} rooms a core"
            },
        ),
        keep=keep,
    )


if __name__ == "__main__":
    main()
