"""An hour in a real LiveKit room: what grows, and whether a chunk is lost. For `make soak`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.hardware import describe
from benchmarks.result import Result, finish
from interject.model_runtime.local.process import ServerProcess
from interject.model_runtime.protocol import FRAME_S
from tests.live.livekit.resource_growth import stay
from tests.live.livekit.server import PROGRAM, LiveKitServer

if TYPE_CHECKING:
    from tests.live.livekit.resource_growth import Look

SETTLED_S = 120.0
TELLING_MINUTES = 30.0
MOST_MB_AN_HOUR = 30.0
METHOD = (
    "One room on a server on the loopback device; somebody plays examples/kitchen.wav again and "
    "again, and the agent (default profile, nano, espeak-ng) answers. Agent and talker share a "
    "process, the model has its own. A look every ten seconds after a collection of garbage; the "
    f"slopes are fitted from {SETTLED_S:g} s on."
)


async def run(minutes: float) -> list[Look]:
    with tempfile.TemporaryDirectory() as folder:
        server = LiveKitServer(Path(folder))
        server.start()
        try:
            with ServerProcess("nano", slots=2) as model:
                return await stay(
                    server, model.url, lambda: model.pid, seconds=60 * minutes, every_s=10.0
                )
        finally:
            server.kill()


def slope_mb_an_hour(looks: list[Look], sizes_mb: list[float]) -> float:
    settled = [i for i, look in enumerate(looks) if look.at_s >= SETTLED_S] or range(len(looks))
    times = [looks[i].at_s / 3_600 for i in settled]
    return float(np.polyfit(times, [sizes_mb[i] for i in settled], 1)[0])


def result(looks: list[Look], minutes: float) -> Result:
    agent, model = [look.agent_mb for look in looks], [look.model_mb for look in looks]
    first, last = looks[0], looks[-1]
    slopes = {"agent": slope_mb_an_hour(looks, agent), "model": slope_mb_an_hour(looks, model)}
    decided = last.decided - first.decided
    owed = (last.at_s - first.at_s) / FRAME_S
    return Result(
        name="livekit_soak",
        title=f"{minutes:g} minutes in a LiveKit room",
        command=" ".join(["python -m tests.live.livekit_soak", *sys.argv[1:]]),
        hardware=describe(),
        columns=["what", "first look", "last look", "slope"],
        rows=[
            ["memory of agent and talker", f"{agent[0]:.0f} MB", f"{agent[-1]:.0f} MB",
             f"{slopes['agent']:.1f} MB/h"],
            ["memory of the model's process", f"{model[0]:.0f} MB", f"{model[-1]:.0f} MB",
             f"{slopes['model']:.1f} MB/h"],
            ["tasks", f"{first.tasks}", f"{last.tasks}", ""],
            ["items in LiveKit's history", f"{first.history}", f"{last.history}", ""],
            ["chunks decided", f"{first.decided}", f"{last.decided}",
             f"{decided / owed:.3f} of those due"],
            ["chunks missed", f"{first.missed}", f"{last.missed}", ""],
            ["replies", f"{first.replies}", f"{last.replies}", ""],
        ],
        notes=[METHOD],
        headlines={f"memory after {minutes:g} min in a LiveKit room, slope of the agent's process":
                   f"{slopes['agent']:.1f} MB/h"},
        series={
            "minutes": [look.at_s / 60 for look in looks], "agent MB": agent, "model MB": model,
        },
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--smoke", action="store_true", help="half a minute that is not kept")
    given = parser.parse_args()
    if not PROGRAM.exists():
        sys.exit("no LiveKit server was built: run scripts/livekit_server.sh (it needs Go 1.26)")
    minutes = 0.5 if given.smoke else given.minutes
    looks = asyncio.run(run(minutes))
    if looks[-1].missed or looks[-1].dropped_blocks:
        sys.exit(f"{looks[-1].missed} chunks and {looks[-1].dropped_blocks} blocks were lost")
    finish(result(looks, minutes), keep=not given.smoke)
    growth = slope_mb_an_hour(looks, [look.agent_mb + look.model_mb for look in looks])
    if minutes >= TELLING_MINUTES and growth > MOST_MB_AN_HOUR:
        sys.exit(f"the memory grew by {growth:.0f} MB an hour; {MOST_MB_AN_HOUR:g} are allowed")


if __name__ == "__main__":
    main()
