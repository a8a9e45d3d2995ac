"""A telephone call's answer and its cost: Interject, and Pipecat's usual agent beside it."""

from __future__ import annotations

import argparse
import asyncio
import bisect
import contextlib
import socket
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from benchmarks.hardware import describe
from benchmarks.livekit_events import Kind, room_events, shuffled
from benchmarks.livekit_rooms import cpu_s
from benchmarks.livekit_stage import Family
from benchmarks.result import Result, finish, percentile, this_command
from interject.integrations.twilio.simulator.cloud import TwilioAccount, TwilioCloud

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.livekit_events import RoomEvent
    from interject.integrations.twilio.simulator.call import SimulatedCall

ROOT = Path(__file__).parent.parent
INTERJECT, PIPECAT = "interject", "pipecat"
HOST = "phone.example.test"
ORIGIN = f"https://{HOST}"
PATIENCE_S = 4.0
"""Pipecat's turn detector waits for 3 s where it takes a turn for unfinished."""
HUSH_S = 0.5
COMING_S = 60.0
ANNOUNCEMENT_S = 12.0
PAUSE_S = (0.3, 1.5)
METHOD = (
    "Calls come in by signed webhooks and media sockets from a client that does what Twilio does: "
    "20 ms of mu-law at a time in real time, up to 20 ms of jitter on their way, marks that come "
    "back when what was before them has been played. Servers, model and telephones share this "
    "machine's two cores, in processes of their own. Each call holds a line's noise and events: "
    "six questions, spoken by espeak-ng, and four sounds, in an order without a pattern, at a "
    "telephone's 8 kHz. First byte: from the moment at which the last 20 ms of an event leave the "
    "telephone to the first media message that comes back; voice: to the first loud sample that "
    "the telephone plays. Both are negative for one that did not wait for the end. An answer that "
    f"begins more than {PATIENCE_S:.0f} s after the event, or never, is none; one that comes still "
    "later may count for the event that follows, as one that did not wait. CPU by psutil in "
    "shares of one core: media is Interject's serving process; the model is a process beside it."
)
BASELINE = (
    "pipecat: version 1.14.0 with its Twilio transport and defaults: Silero and its Smart Turn "
    "detector, all in the serving process. Canned: speech is recognised and the answer is written "
    "in 0 ms, always the same short sentence, so a real one is slower by what its recognition "
    "and language model take; it speaks with Interject's voice. It answers every turn of speech, "
    "whatever was said, and no sound. Interject's model decides and writes for real."
)


@dataclass(frozen=True, slots=True)
class Answered:
    """One event on one call, in ms from its end; nothing for who did not answer."""

    event: RoomEvent
    first_byte_ms: float | None
    voice_ms: float | None


@dataclass(frozen=True)
class Load:
    """So many calls at once. Shares of one core."""

    agent: str
    calls: int
    media: float
    model: float
    phones: float
    alerts: int
    answers: list[Answered] = field(repr=False)

    def times_ms(self, kind: Kind, name: str = "first_byte_ms") -> list[float]:
        found = [getattr(one, name) for one in self.answers if one.event.kind is kind]
        return [time_ms for time_ms in found if time_ms is not None]

    def asked(self, kind: Kind) -> int:
        return sum(one.event.kind is kind for one in self.answers)


@dataclass(frozen=True)
class Contestant:
    """A server with a telephone number."""

    name: str
    voice_url: str
    command: list[str]
    ready: str
    environment: dict[str, str]

    def server(self, folder: Path, port: int) -> Family:
        words = [word.replace("PORT", str(port)) for word in self.command]
        return Family(
            words, folder, f"{self.name}-{port}", ready=self.ready, environment=self.environment
        )


def interject(account: TwilioAccount, model: str, most_calls: int) -> Contestant:
    return Contestant(
        INTERJECT,
        f"{ORIGIN}/twilio/voice",
        [
            sys.executable, "-m", "interject.cli", "serve", "--bind", "127.0.0.1:PORT",
            "--public-url", ORIGIN, "--no-webrtc", "--runtime", f"local:{model}",
            "--slots", str(most_calls),
        ],
        "Interject serves",
        {"TWILIO_ACCOUNT_SID": account.sid, "TWILIO_AUTH_TOKEN": account.auth_token,
         "INTERJECT_API_TOKEN": account.auth_token},
    )  # fmt: skip


def pipecat() -> Contestant:
    return Contestant(
        PIPECAT,
        f"{ORIGIN}/voice",
        [sys.executable, "-m", "benchmarks.telephone_cascade", HOST, "PORT"],
        "Uvicorn running",
        {"PYTHONPATH": str(ROOT)},
    )


async def one(event: RoomEvent, call: SimulatedCall) -> Answered:
    """Say it, and wait until an answer has come and gone, or none has come."""
    began_at = time.monotonic()
    await call.handset.say(event.samples)
    ended_at, ended_s = time.monotonic(), call.now_s
    began_s = ended_s - (ended_at - began_at)
    while (now := time.monotonic()) - ended_at < PATIENCE_S or not _is_quiet(call, now):
        await asyncio.sleep(0.02)
        if (first := _first_after(call, began_at)) is not None and _is_quiet(call, now):
            break
    first, heard_s = _first_after(call, began_at), call.heard_after(began_s)
    if first is None or first - ended_at > PATIENCE_S:
        return Answered(event, None, None)
    voice_ms = None if heard_s is None else 1e3 * (heard_s - ended_s)
    return Answered(event, 1e3 * (first - ended_at), voice_ms)


def _first_after(call: SimulatedCall, at: float) -> float | None:
    """The event loop's clock is the monotonic one."""
    times = call.stream.media_at
    place = bisect.bisect_right(times, at)
    return times[place] if place < len(times) else None


def _is_quiet(call: SimulatedCall, now: float) -> bool:
    times = call.stream.media_at
    return call.stream.playout.held_s == 0 and (not times or now - times[-1] > HUSH_S)


async def converse(
    cloud: TwilioCloud,
    voice_url: str,
    events: Sequence[RoomEvent],
    number: int,
    ready: asyncio.Barrier,
) -> tuple[list[Answered], int]:
    """One call: what it was answered, and how many alerts Twilio would show."""
    draw = np.random.default_rng(number)
    async with cloud.phones(voice_url) as call:
        await _greeted(call)
        await ready.wait()
        answers = []
        for event in events:
            await asyncio.sleep(draw.uniform(*PAUSE_S))
            answers.append(await one(event, call))
        await ready.wait()
        return answers, len(call.alerts)


async def _greeted(call: SimulatedCall) -> None:
    """Some say first who listens.

    :raises RuntimeError: when the call does not come about.
    """
    deadline = time.monotonic() + COMING_S
    while not (call.streams and call.stream.began.is_set()):
        if call.over.is_set() or time.monotonic() > deadline:
            raise RuntimeError(f"a call did not come about: {call.alerts}")
        await asyncio.sleep(0.05)
    patience = time.monotonic() + ANNOUNCEMENT_S
    await asyncio.sleep(2.0)
    while time.monotonic() < patience:
        await asyncio.sleep(0.05)
        if _is_quiet(call, time.monotonic()):
            return


async def measure(
    contestant: Contestant,
    server: Family,
    port: int,
    account: TwilioAccount,
    calls: int,
    events: int,
) -> Load:
    routes = {ORIGIN: f"127.0.0.1:{port}"}
    ready = asyncio.Barrier(calls + 1)
    async with TwilioCloud(routes, account) as cloud, asyncio.TaskGroup() as group:
        tasks = []
        for number in range(calls):
            chosen = shuffled(room_events(), events, seed=number)
            talk = converse(cloud, contestant.voice_url, chosen, number, ready)
            tasks.append(group.create_task(talk))
            await asyncio.sleep(0.1)
        await ready.wait()
        before, began_at = _used(server), time.monotonic()
        await ready.wait()
        after, elapsed_s = _used(server), time.monotonic() - began_at
    media, model, phones = ((b - a) / elapsed_s for a, b in zip(before, after, strict=True))
    found = [task.result() for task in tasks]
    return Load(
        contestant.name, calls, media, model, phones,
        alerts=sum(alerts for _, alerts in found),
        answers=[answer for answers, _ in found for answer in answers],
    )  # fmt: skip


def _used(server: Family) -> tuple[float, float, float]:
    """CPU so far of the serving process, of what it started, and of the telephones."""
    first, *rest = server.members()
    return (
        sum(cpu_s([first]).values()),
        sum(cpu_s(rest).values()),
        sum(cpu_s([psutil.Process()]).values()),
    )


COLUMNS = [
    "agent", "calls", "questions answered", "first byte median, ms", "p95, ms", "voice median, ms",
    "sounds answered", "first byte median, ms", "p95, ms", "media CPU a call", "model CPU a call",
    "telephones' CPU",
]  # fmt: skip


def row(load: Load) -> list[str]:
    questions, sounds = load.times_ms(Kind.QUESTION), load.times_ms(Kind.SOUND)
    heard = load.times_ms(Kind.QUESTION, "voice_ms")
    return [
        load.agent, str(load.calls),
        f"{len(questions)} of {load.asked(Kind.QUESTION)}",
        *(_ms(questions, share) for share in (50, 95)), _ms(heard, 50),
        f"{len(sounds)} of {load.asked(Kind.SOUND)}",
        *(_ms(sounds, share) for share in (50, 95)),
        f"{load.media / load.calls:.1%}",
        f"{load.model / load.calls:.1%}" if load.model else "-", f"{load.phones:.0%}",
    ]  # fmt: skip


def _ms(times_ms: Sequence[float], share: float) -> str:
    return f"{percentile(times_ms, share):.0f}" if times_ms else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 10, 30])
    parser.add_argument("--events", type=int, nargs="+", default=[30, 10, 6], help="in each call")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--alone", action="store_true", help="without Pipecat")
    parser.add_argument(
        "--smoke", "--quick", action="store_true", help="a quick run that is not kept"
    )
    given = parser.parse_args()
    if given.smoke:
        given.calls, given.events = [1], [2]
    account = TwilioAccount()
    contestants = [interject(account, given.model, max(given.calls))]
    if not given.alone:
        contestants.append(pipecat())
    loads = [
        measured(contestant, account, calls, events)
        for calls, events in zip(given.calls, given.events, strict=True)
        for contestant in contestants
    ]
    report(loads, keep=not given.smoke)


def measured(contestant: Contestant, account: TwilioAccount, calls: int, events: int) -> Load:
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        server = contestant.server(Path(folder), port)
        stack.callback(server.kill)
        server.start()
        server.wait_until_ready()
        load = asyncio.run(measure(contestant, server, port, account, calls, events))
    print(" | ".join(row(load)), flush=True)
    return load


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def report(loads: Sequence[Load], *, keep: bool) -> None:
    ours = [load for load in loads if load.agent == INTERJECT]
    middle = ours[len(ours) // 2]
    times_ms = middle.times_ms(Kind.QUESTION) + middle.times_ms(Kind.SOUND)
    headline = f"median {_ms(times_ms, 50)}, p95 {_ms(times_ms, 95)} ms"
    alerts = ", ".join(f"{load.agent} at {load.calls}: {load.alerts}" for load in loads)
    finish(
        Result(
            name="telephone",
            title="A telephone call's answer",
            command=this_command("telephone"),
            hardware=describe(),
            columns=COLUMNS,
            rows=[row(load) for load in loads],
            notes=[METHOD, BASELINE, f"What Twilio's debugger would show: {alerts}."],
            headlines={
                f"end of an event to the first byte, {middle.calls} telephone calls": headline
            },
        ),
        keep=keep,
    )


if __name__ == "__main__":
    main()
