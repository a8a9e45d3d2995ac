"""Thirty telephone calls at once for two minutes, or 10,000 messages of rubbish: `make soak`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, percentile
from tests.live.livekit.agent import kitchen
from tests.live.twilio.calling import alarm_is_answered, connected, greeted, loud_s
from tests.live.twilio.phone_server import VOICE_URL, brief, serving
from tests.live.twilio.rubbish import messages
from tests.live.twilio.test_trouble import bombard

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.integrations.twilio.simulator.cloud import TwilioCloud
    from interject.integrations.twilio.simulator.handset import Handset
    from tests.live.twilio.phone_server import PhoneServer
    from tests.live.twilio.rubbish import Message

MEGABYTE = 1_048_576
MESSAGES_A_CALL = 20
METHOD = (
    "`interject serve` with nano and a cap of so many calls; each telephone plays "
    "examples/kitchen.wav again and again, from a place of its own. Server, model and telephones "
    "share this machine. Alerts are what Twilio's debugger would show; how far the server was "
    "ahead is the most that a telephone ever held unplayed: 0.2 s, and what its own clock was late "
    "on this machine."
)


@dataclass(frozen=True)
class CallOutcome:
    """`answered_s`: how long the telephone heard the agent."""

    answered_s: float
    alerts: int
    whole: bool
    most_ahead_s: float
    marks: int


async def talk(twilio: TwilioCloud, number: int, seconds: float) -> CallOutcome:
    sound = kitchen()
    async with twilio.phones(VOICE_URL) as call:
        await connected(call)
        place = round(number * 0.6180339887 % 1.0 * len(sound))
        talking = asyncio.create_task(_forever(call.handset, np.roll(sound, -place)))
        await asyncio.sleep(seconds)
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        whole = not (call.over.is_set() or call.stream.ended.is_set())
        return CallOutcome(
            loud_s(call.recording.heard), len(call.alerts), whole,
            call.stream.playout.most_held_s, call.stream.received["mark"],
        )  # fmt: skip


async def _forever(handset: Handset, sound: NDArray[np.int16]) -> None:
    while True:
        await handset.say(sound)


async def crowd(server: PhoneServer, calls: int, seconds: float) -> Result:
    process = psutil.Process(server.pid)
    async with server.connected() as twilio:
        began_at, before = time.monotonic(), _cpu_s(process)
        async with asyncio.TaskGroup() as group:
            talks = []
            for number in range(calls):
                talks.append(group.create_task(talk(twilio, number, seconds)))
                await asyncio.sleep(0.1)
        elapsed_s = time.monotonic() - began_at
        used = [(b - a) / elapsed_s for a, b in zip(before, _cpu_s(process), strict=True)]
        outcomes = [talking.result() for talking in talks]
        memory = process.memory_info().rss / MEGABYTE
    return _result(outcomes, seconds, used, memory)


def _cpu_s(process: psutil.Process) -> tuple[float, float]:
    """Of the serving process, and of the model's."""
    mine = process.cpu_times()
    others = [child.cpu_times() for child in process.children(recursive=True)]
    return mine.user + mine.system, sum(one.user + one.system for one in others)


def _result(
    outcomes: list[CallOutcome], seconds: float, used: list[float], memory: float
) -> Result:
    calls, answered = len(outcomes), [one.answered_s for one in outcomes]
    return Result(
        name="twilio_soak",
        title=f"{calls} telephone calls at once",
        command=" ".join(["python -m tests.live.twilio_soak", *sys.argv[1:]]),
        hardware=describe(),
        columns=["what", "figure"],
        rows=[
            ["calls that lasted to their end", f"{sum(one.whole for one in outcomes)} of {calls}"],
            ["seconds each", f"{seconds:.0f}"],
            ["alerts of Twilio's", f"{sum(one.alerts for one in outcomes)}"],
            ["agent heard on a call, least", f"{min(answered):.1f} s"],
            ["agent heard on a call, median", f"{percentile(answered, 50):.1f} s"],
            ["furthest ahead of a telephone", f"{max(o.most_ahead_s for o in outcomes):.2f} s"],
            ["marks that came back", f"{sum(one.marks for one in outcomes)}"],
            ["CPU of the server, of the model", f"{used[0]:.0%}, {used[1]:.0%} of a core"],
            ["memory of the server at the end", f"{memory:.0f} MB"],
        ],
        notes=[METHOD],
    )  # fmt: skip


async def pelt(server: PhoneServer, count: int) -> None:
    """So many messages of rubbish, beside a call that notices nothing."""

    @settings(
        max_examples=count // MESSAGES_A_CALL, deadline=None, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(rubbish=st.lists(messages(), min_size=MESSAGES_A_CALL, max_size=MESSAGES_A_CALL))
    def throw(rubbish: list[Message]) -> None:
        asyncio.run_coroutine_threadsafe(bombard(twilio, rubbish), loop).result(60)

    loop = asyncio.get_running_loop()
    async with server.connected() as twilio, twilio.phones(VOICE_URL) as beside:
        await greeted(beside)
        await asyncio.to_thread(throw)
        assert not beside.stream.ended.is_set(), "the call beside it was ended"
        await alarm_is_answered(beside)
        assert beside.alerts == [], beside.alerts
    sys.stdout.write(f"{count} messages: the server runs, and the call beside them was answered\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--rubbish", type=int, help="so many messages instead of calls")
    parser.add_argument("--smoke", action="store_true", help="a few seconds that are not kept")
    given_ = parser.parse_args()
    calls, seconds = (2, 8.0) if given_.smoke else (given_.calls, given_.seconds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = ("--runtime", "local:nano", "--slots", str(calls), "--profile", brief(folder))
        with serving(folder, *options) as server:
            if given_.rubbish:
                asyncio.run(pelt(server, given_.rubbish))
                return
            result = asyncio.run(crowd(server, calls, seconds))
    finish(result, keep=not given_.smoke)
    if result.rows[0][1] != f"{calls} of {calls}":
        sys.exit(f"calls ended before their time: {result.rows[0][1]} lasted")


if __name__ == "__main__":
    main()
