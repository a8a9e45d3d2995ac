"""Voice to voice in a real LiveKit room: Interject, and LiveKit's usual agent beside it."""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.hardware import describe
from benchmarks.livekit_agents import CASCADE, INTERJECT, READY
from benchmarks.livekit_events import Kind, RoomEvent, room_events, shuffled
from benchmarks.livekit_people import LEAD_MS, Listener, Microphone
from benchmarks.livekit_stage import Stage
from benchmarks.pictures import draw_voice_to_voice
from benchmarks.result import Result, finish, percentile, this_command
from interject.integrations.livekit.jobs.dispatching import dispatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

GOAL_MEDIAN_MS, GOAL_P95_MS = 800.0, 1_200.0
ROOM, SPEAKER, LISTENER = "benchmark", "speaker", "listener"
PATIENCE_S = 3.0
"""Who has not begun to answer this long after an event does not answer it."""
LONGEST_ANSWER_S = 8.0
COMING_S = 30.0
ATTEMPTS = 3
LATE_S = 0.1
WARM_UP = 2
PAUSE_S = (0.3, 0.9)
METHOD = (
    "A LiveKit server, the agents' workers with a process for each job, the model's process, and "
    "one process with a speaking and a listening participant share this machine. The speaker's "
    "track holds quiet noise and events: six questions, spoken by espeak-ng, and four sounds, in "
    "an order without a pattern. Both agents are in the same room and hear the same track at the "
    "same time. From the moment at which the last sample of an event leaves the speaker to the "
    "first sample above -40 dB of full scale that the listener receives from the agent, which is "
    "negative for one that did not wait for the end; jitter buffers and Opus on both ways are in "
    "it. One monotonic clock serves all processes. The first "
    f"{WARM_UP} events are not counted. An answer that begins more than {PATIENCE_S:.0f} s after "
    "the event, or never, is none."
)
PARTS = (
    "Chunk: until the 400 ms after which the model responds have reached it (the way to the "
    "agent's ear is in it; nano is trained to respond when it has heard 0.2 s more than the "
    "event). "
    "Decode: to the first text of the reply. Voice: to its first sound. Playout: to the listener, "
    "of which the first number is LiveKit's handing on inside the job."
)
BASELINE = (
    "Cascade: a stock AgentSession with the Silero plugin, LiveKit's own turn detector and default "
    "delays; speech is recognised and the answer is written in no time at all, so a real one is "
    "slower; it speaks with the same voice."
)


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the time of one answer went, in ms."""

    chunk: float
    decode: float
    voice: float
    handing_on: float
    playout: float


@dataclass(frozen=True, slots=True)
class Run:
    """One event, in seconds on the monotonic clock; who did not answer has no `heard_at`."""

    event: RoomEvent
    ended_at: float
    heard_at: dict[str, float] = field(default_factory=dict)
    disturbed: bool = False
    """The speaker's own sound had a hole, so nobody can say when the event ended."""

    def latency_ms(self, agent: str) -> float:
        return 1e3 * (self.heard_at[agent] - self.ended_at)


BOTH = (INTERJECT, CASCADE)


async def come(
    stage: Stage, listener: Listener, watching: Callable[[], bool], agents: Sequence[str] = BOTH
) -> None:
    """Ask for the agents, and again: a busy worker may answer the server too late.

    :raises RuntimeError: when one of them does not come.
    """
    for agent in agents:
        for _ in range(ATTEMPTS):
            await dispatch(stage.access, ROOM, agent)
            if await _within(COMING_S, functools.partial(listener.voices.__contains__, agent)):
                break
        else:
            raise RuntimeError(f"{agent} did not come to the room")
    if not await _within(COMING_S, watching):
        raise RuntimeError("Interject's job notes nothing")


async def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        await asyncio.sleep(0.05)
    return False


async def one(
    event: RoomEvent, microphone: Microphone, listener: Listener, agents: Sequence[str] = BOTH
) -> Run:
    """Play it and wait until everybody who answers has finished."""
    began_at, holes = time.monotonic(), microphone.holes
    ended_at = await microphone.play(event.samples)
    late_s = ended_at - began_at - event.seconds - LEAD_MS / 1_000
    disturbed = microphone.holes > holes or late_s > LATE_S
    voices = {agent: listener.voices[agent] for agent in agents}
    while (now := time.monotonic()) - ended_at < LONGEST_ANSWER_S:
        answered = all(voice.first_after(began_at) for voice in voices.values())
        quiet = all(voice.is_quiet(now) for voice in voices.values())
        if quiet and (answered or now - ended_at > PATIENCE_S):
            break
        await asyncio.sleep(0.02)
    found = {agent: voice.first_after(began_at) for agent, voice in voices.items()}
    heard = {
        agent: at for agent, at in found.items() if at is not None and at - ended_at <= PATIENCE_S
    }
    return Run(event, ended_at, heard, disturbed)


async def measure(
    stage: Stage, log: Path, events: Sequence[RoomEvent], agents: Sequence[str] = BOTH
) -> list[Run]:
    draw = np.random.default_rng(1)
    runs = []
    async with (
        Listener(stage.access, ROOM, LISTENER) as listener,
        Microphone(stage.access, ROOM, SPEAKER) as microphone,
    ):
        await come(stage, listener, log.exists, agents)
        await asyncio.sleep(1.0)
        for number, event in enumerate(events):
            await asyncio.sleep(draw.uniform(*PAUSE_S))
            run = await one(event, microphone, listener, agents)
            runs.append(run)
            said = ", ".join(
                f"{agent} {run.latency_ms(agent):.0f} ms" for agent in sorted(run.heard_at)
            )
            said = "disturbed" if run.disturbed else said or "no answer"
            print(f"{number + 1}/{len(events)} {event.name}: {said}", flush=True)
    return runs


def parts_of(runs: Sequence[Run], lines: Sequence[str]) -> list[Parts]:
    """Join the runs with what Interject's job has noted; runs without all of it are left out."""
    notes = [json.loads(line) for line in lines]
    found = []
    for run in runs:
        heard_at = run.heard_at.get(INTERJECT)
        if heard_at is None or run.disturbed:
            continue
        began_at = run.ended_at - run.event.seconds
        last = {
            note["what"]: note
            for note in notes
            if began_at < note["at"] < heard_at + 1e-3
        }  # fmt: skip
        if not {"decided", "text", "sound", "played"} <= last.keys():
            continue
        steps = [
            run.ended_at, last["decided"]["pushed_at"],
            *(last[what]["at"] for what in ("text", "sound", "played")), heard_at,
        ]  # fmt: skip
        found.append(Parts(*(1e3 * float(step) for step in np.diff(steps))))
    return found


COLUMNS = ["agent", "events", "answered", "median, ms", "p95, ms", "fastest, ms", "slowest, ms"]


def row(agent: str, kind: Kind | None, runs: Sequence[Run]) -> list[str]:
    mine = [run for run in runs if kind in (None, run.event.kind)]
    times = [run.latency_ms(agent) for run in mine if agent in run.heard_at]
    if not times:
        return [agent, f"{len(mine)} {_plural(kind)}", "0", "-", "-", "-", "-"]
    figures = [percentile(times, 50), percentile(times, 95), min(times), max(times)]
    return [
        agent, f"{len(mine)} {_plural(kind)}", str(len(times)),
        *(f"{figure:.0f}" for figure in figures),
    ]  # fmt: skip


def _plural(kind: Kind | None) -> str:
    return "in all" if kind is None else f"{kind}s"


def breakdown(parts: Sequence[Parts]) -> str:
    def both(name: str) -> str:
        values = [getattr(part, name) for part in parts]
        return f"{percentile(values, 50):.0f} ({percentile(values, 95):.0f})"

    return (
        f"Interject's way, median (p95) in ms of {len(parts)} answers: chunk {both('chunk')}, "
        f"decode {both('decode')}, voice {both('voice')}, playout {both('handing_on')} + "
        f"{both('playout')}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--model", default="nano")
    parser.add_argument(
        "--smoke", "--quick", action="store_true", help="a quick run that is not kept"
    )
    given = parser.parse_args()
    count = 3 if given.smoke else given.runs + WARM_UP
    events = shuffled(room_events(), count, seed=5)
    with Stage() as stage:
        log = stage.folder / "interject.log"
        for side in (INTERJECT, CASCADE):
            stage.hire(
                "-m", "benchmarks.livekit_agents", side, "--speaker", SPEAKER, "--log", str(log),
                "--model", given.model, ready=READY,
            )  # fmt: skip
        runs = asyncio.run(measure(stage, log, events))[0 if given.smoke else WARM_UP :]
        parts = parts_of(runs, log.read_text(encoding="utf-8").splitlines())
    report(runs, parts, keep=not given.smoke)


def report(played: Sequence[Run], parts: Sequence[Parts], *, keep: bool) -> None:
    runs = [run for run in played if not run.disturbed]
    kinds = (None, Kind.QUESTION, Kind.SOUND)
    rows = [row(agent, kind, runs) for agent in (INTERJECT, CASCADE) for kind in kinds]
    series = {
        f"{agent}, {kind}s": [
            run.latency_ms(agent)
            for run in runs
            if run.event.kind is kind and agent in run.heard_at
        ]
        for agent in (INTERJECT, CASCADE)
        for kind in Kind
    }
    whole = [run.latency_ms(INTERJECT) for run in runs if INTERJECT in run.heard_at]
    if keep:
        draw_voice_to_voice(series, goals_ms=(GOAL_MEDIAN_MS, GOAL_P95_MS))
    median_ms, p95_ms = percentile(whole, 50), percentile(whole, 95)
    goal = (
        f"Goal: a median of at most {GOAL_MEDIAN_MS:.0f} and a p95 of at most {GOAL_P95_MS:.0f} ms."
        f" Left out, because this machine left a hole in the speaker's sound: "
        f"{len(played) - len(runs)} events."
    )
    finish(
        Result(
            name="livekit_voice",
            title="Voice to voice in a LiveKit room",
            command=this_command("livekit_voice"),
            hardware=describe(),
            columns=COLUMNS,
            rows=rows,
            notes=[goal, breakdown(parts), PARTS, BASELINE, METHOD],
            headlines={
                "voice to voice in a LiveKit room": f"median {median_ms:.0f}, p95 {p95_ms:.0f} ms"
            },
            series=series,
        ),
        keep=keep,
    )


if __name__ == "__main__":
    main()
