"""What it costs a server that its sessions are seen at another one's console, through a Redis."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from redis import Redis
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.console import all_live, cpu_share, serving
from benchmarks.hardware import describe
from benchmarks.result import Result, finish, percentile, this_command
from benchmarks.servers import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

SESSIONS = 50
FOLLOWED = 8
SECONDS = 30.0
COMMANDS = 200
COMMAND_EVERY_S = 0.1
METHOD = (
    "Real calls in one process (mixer, agent, cues, history), with a model that decides at once "
    "and without a voice; a second process with a console, and a program at its socket that "
    "follows eight of them and gives commands. Redis and all else on the same machine."
)
WHEN = (
    "A reply is late by its moment's own time, that of its begin in the process that serves it; a "
    "command from its sending to its answer."
)


@dataclass(frozen=True)
class Shares:
    """Of one core, and what Redis held at most, in bytes."""

    serving: float
    looking: float
    redis: float
    held: int


@dataclass
class Follower:
    """A program at a console's socket. `sent` has the commands that are not answered yet."""

    socket: ClientConnection
    replies_s: list[float] = field(default_factory=list)
    answers_s: list[float] = field(default_factory=list)
    histories: int = 0
    seen: set[tuple[str, str, int]] = field(default_factory=set)
    sent: dict[int, float] = field(default_factory=dict)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, **message: object) -> None:
        await self.socket.send(json.dumps(message))

    async def read(self) -> None:
        """Until it is cancelled."""
        async for text in self.socket:
            message = json.loads(text)
            match message["type"]:
                case "history":
                    self.histories += 1
                case "reply":
                    self._note(message)
                case "answer":
                    assert message["error"] is None, message["error"]
                    self.answers_s.append(time.time() - self.sent.pop(message["id"]))
            self.told.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.told.clear()
            await self.told.wait()

    def _note(self, reply: dict[str, Any]) -> None:
        key = (reply["session"], reply["ear"], reply["reply"])
        if key not in self.seen:
            self.seen.add(key)
            self.replies_s.append(time.time() - reply["time"])


@dataclass(frozen=True)
class Neighbourliness:
    sessions: int
    followed: int
    seconds: float
    alone: float
    unwatched: Shares
    watched: Shares
    replies_s: list[float] = field(repr=False)
    answers_s: list[float] = field(repr=False)


async def measure(sessions: int, seconds: float, commands: int) -> Neighbourliness:
    followed = min(FOLLOWED, sessions)
    async with serving(sessions) as http:
        await all_live(http, sessions)
        alone = await cpu_share(http, seconds)
    with Fleet() as fleet:
        through = ("--neighbours", fleet.url)
        async with serving(sessions, *through) as there, serving(0, *through) as here:
            await all_live(here, sessions)
            unwatched = await shares(there, here, fleet, seconds)
            address = str(here.base_url).replace("http", "ws").rstrip("/") + "/api/console/socket"
            async with connect(address, max_size=None) as socket:
                follower = Follower(socket)
                await follower.tell(type="sign_in")
                async with asyncio.TaskGroup() as group:
                    reading = group.create_task(follower.read())
                    chosen = (await here.get("/api/console/sessions")).json()[:followed]
                    for state in chosen:
                        await follower.tell(type="follow", session=state["id"])
                    await follower.until(lambda: follower.histories == followed)
                    watched = await shares(there, here, fleet, seconds)
                    await give_commands(follower, [state["id"] for state in chosen], commands)
                    reading.cancel()
    return Neighbourliness(
        sessions, followed, seconds, alone, unwatched, watched,
        follower.replies_s, follower.answers_s,
    )  # fmt: skip


async def shares(
    there: httpx.AsyncClient, here: httpx.AsyncClient, fleet: Fleet, seconds: float
) -> Shares:
    with Redis.from_url(fleet.url) as redis:
        before, began_at = fleet.redis.cpu_s(), time.monotonic()
        watching = asyncio.create_task(most_held(redis))
        serving, looking = await asyncio.gather(cpu_share(there, seconds), cpu_share(here, seconds))
        used = (fleet.redis.cpu_s() - before) / (time.monotonic() - began_at)
        watching.cancel()
        (held,) = await asyncio.gather(watching)
    return Shares(serving, looking, used, held)


async def most_held(redis: Redis) -> int:
    """In all keys, until it is cancelled."""
    most = 0
    try:
        while True:
            most = max(most, await asyncio.to_thread(held_now, redis))
            await asyncio.sleep(0.5)
    except asyncio.CancelledError:
        return most


def held_now(redis: Redis) -> int:
    return sum(redis.memory_usage(key, samples=0) or 0 for key in redis.scan_iter())


async def give_commands(follower: Follower, sessions: list[str], commands: int) -> None:
    for number in range(commands):
        follower.sent[number] = time.time()
        await follower.tell(
            type="command", id=number, session=sessions[number % len(sessions)],
            command={"do": "say", "text": f"Sentence {number}"},
        )  # fmt: skip
        await asyncio.sleep(COMMAND_EVERY_S)
    await follower.until(lambda: not follower.sent)


def result(found: Neighbourliness) -> Result:
    told = 1_000 * (found.unwatched.serving - found.alone) / found.sessions
    followed = 1_000 * (found.watched.serving - found.unwatched.serving) / found.followed
    replies, answers = (
        [1_000 * one for one in all_] for all_ in (found.replies_s, found.answers_s)
    )
    rows = [
        ["server's CPU, no neighbours", f"{100 * found.alone:.1f} % of a core"],
        ["more for one that nobody follows, a session", f"{told:.2f} thousandths of a core"],
        [f"more for each of {found.followed} followed", f"{followed:.2f} thousandths of a core"],
        [
            f"CPU of whoever looks, none and {found.followed} followed",
            f"{100 * found.unwatched.looking:.1f} and {100 * found.watched.looking:.1f} %",
        ],
        [
            "Redis' CPU, likewise",
            f"{100 * found.unwatched.redis:.1f} and {100 * found.watched.redis:.1f} %",
        ],
        [
            "Redis' keys at most, likewise",
            f"{found.unwatched.held / 1e3:.0f} and {found.watched.held / 1e3:.0f} KB",
        ],
        ["reply begun to message at the other's socket, p50", f"{percentile(replies, 50):.0f} ms"],
        ["reply begun to message at the other's socket, p99", f"{percentile(replies, 99):.0f} ms"],
        ["command to its answer, p50", f"{percentile(answers, 50):.0f} ms"],
        ["command to its answer, p99", f"{percentile(answers, 99):.0f} ms"],
    ]
    return Result(
        name="console_neighbours",
        title="The console of another server",
        command=this_command("console_neighbours"),
        hardware=describe(),
        columns=[f"{found.sessions} sessions, {found.seconds:.0f} s", "measured"],
        rows=rows,
        notes=[METHOD, WHEN, f"{len(replies)} replies, {len(answers)} commands."],
        headlines={
            "console: reply to message at another server's socket, p99": (
                f"{percentile(replies, 99):.0f} ms"
            ),
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each load")
    parser.add_argument("--commands", type=int, default=COMMANDS)
    parser.add_argument("--smoke", action="store_true", help="two sessions, and keep nothing")
    asked = parser.parse_args()
    sessions, seconds, commands = asked.sessions, asked.seconds, asked.commands
    if asked.smoke:
        sessions, seconds, commands = 2, 2.0, 3
    finish(result(asyncio.run(measure(sessions, seconds, commands))), keep=not asked.smoke)


if __name__ == "__main__":
    main()
