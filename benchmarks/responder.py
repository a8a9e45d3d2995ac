"""Voice to voice in a LiveKit room with a responder, and in the same room without one."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.hardware import describe
from benchmarks.livekit_agents import INTERJECT, READY
from benchmarks.livekit_events import Kind, room_events, shuffled
from benchmarks.livekit_stage import Stage
from benchmarks.livekit_voice import SPEAKER, WARM_UP, measure
from benchmarks.result import Result, finish, percentile, this_command
from benchmarks.servers import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.livekit_events import RoomEvent
    from benchmarks.livekit_voice import Run

ENDPOINT = Path(__file__).parent.parent / "examples" / "responder_server.py"
GOAL_MS = 250.0
WORDS = "I can tell you that at once, and here it is."
WITHOUT, WITH, BEGUN = "without", "with a responder", "with one, begun with the draft"
OPENINGS = {WITH: "none", BEGUN: "draft"}
PROFILE = """extends: default
responder:
  engine: chat
  base_url: {url}
  model: any
  max_wait_s: 3
  opening: {opening}
"""
METHOD = (
    "The room, the questions and the clock of `livekit_voice`, without the cascade; first the room "
    "without a responder, then anew with one, then with one that goes on from the draft's first "
    "clause (`opening: draft`). The endpoint is the example's, a process on the same "
    "machine: it waits {delay:.0f} ms, then sends a word every {word:.0f} ms. The words are asked "
    "for when the draft is whole, and spoken from the first clause on."
)


def heard(events: Sequence[RoomEvent], profile: str | None, model: str) -> list[Run]:
    """`profile` is a text; without one the room is as it is shipped."""
    with Stage() as stage:
        named = []
        if profile is not None:
            path = stage.folder / "responder.yaml"
            path.write_text(profile, encoding="utf-8")
            named = ["--profile", str(path)]
        log = stage.folder / "interject.log"
        stage.hire(
            "-m", "benchmarks.livekit_agents", INTERJECT, "--speaker", SPEAKER, "--log", str(log),
            "--model", model, *named, ready=READY,
        )  # fmt: skip
        return asyncio.run(measure(stage, log, events, (INTERJECT,)))


def heard_with(events: Sequence[RoomEvent], given: argparse.Namespace, opening: str) -> list[Run]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        endpoint = Server(
            [
                sys.executable, str(ENDPOINT), "--port", "0", "--say", WORDS,
                "--delay-ms", str(given.delay_ms), "--word-ms", str(given.word_ms),
            ],
            folder, "endpoint", ready="/v1",
        )  # fmt: skip
        endpoint.start()
        try:
            endpoint.wait_until_ready()
            url = (folder / "endpoint.log").read_text(encoding="utf-8").strip()
            return heard(events, PROFILE.format(url=url, opening=opening), given.model)
        finally:
            endpoint.kill()


def row(name: str, runs: Sequence[Run]) -> list[str]:
    whole = [run for run in runs if not run.disturbed]
    times = latencies(whole)
    figures = [percentile(times, 50), percentile(times, 95)] if times else []
    shown = [f"{figure:.0f}" for figure in figures] or ["-", "-"]
    return [name, str(len(whole)), str(len(times)), *shown]


def latencies(runs: Sequence[Run]) -> list[float]:
    return [run.latency_ms(INTERJECT) for run in runs if INTERJECT in run.heard_at]


def result(runs: dict[str, list[Run]], given: argparse.Namespace) -> Result:
    medians = {name: percentile(latencies(one), 50) for name, one in runs.items()}
    more = [f"{medians[name] - medians[WITHOUT]:+.0f} ms {name}" for name in OPENINGS]
    goal = f"Goal: a median within {GOAL_MS:.0f} ms of the room without one: {', '.join(more)}."
    return Result(
        name="responder",
        title="Voice to voice with a responder",
        command=this_command("responder"),
        hardware=describe(),
        columns=["room", "questions", "answered", "median, ms", "p95, ms"],
        rows=[row(name, one) for name, one in runs.items()],
        notes=[
            goal,
            METHOD.format(delay=given.delay_ms, word=given.word_ms),
        ],
        series={name: latencies(one) for name, one in runs.items()},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--delay-ms", type=float, default=200.0, help="to the first token")
    parser.add_argument("--word-ms", type=float, default=20.0, help="between two words")
    parser.add_argument(
        "--smoke", "--quick", action="store_true", help="a quick run that is not kept"
    )
    given = parser.parse_args()
    questions = [event for event in room_events() if event.kind is Kind.QUESTION]
    first = 0 if given.smoke else WARM_UP
    events = shuffled(questions, 2 if given.smoke else given.runs + WARM_UP, seed=5)
    runs = {
        WITHOUT: heard(events, None, given.model)[first:],
        **{name: heard_with(events, given, one)[first:] for name, one in OPENINGS.items()},
    }
    finish(result(runs, given), keep=not given.smoke)


if __name__ == "__main__":
    main()
