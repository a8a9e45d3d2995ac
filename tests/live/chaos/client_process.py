"""A media process: rooms that sound in real time. `python -m ... URL SEED FRAMES BEGAN ROOM...`.

Rooms are numbers. Each line on stdout is one JSON list: what, room, and more. A room that had a
media process before is joined where its sound now is. The process ends when all sound was decided.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interject.model_runtime.protocol import FRAME_S, RuntimeFailure, SessionOptions
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.timings import Timings
from tests.live.chaos.comparable_events import comparable
from tests.live.chaos.endless_sound import EndlessSound

if TYPE_CHECKING:
    from interject.model_runtime.redis.client.session import RedisSession

ROOT = Path(__file__).parents[3]
TIMINGS = Timings(open_s=120, lost_s=60)
LONGEST_LINE_BYTES = 1 << 20


class ClientProcess:
    """One that a test may kill and stop. What it says goes to `hear` line by line."""

    def __init__(self, url: str, seed: int, frames: int, began: float, rooms: list[int]) -> None:
        self.rooms = rooms
        self._arguments = [url, str(seed), str(frames), str(began), *map(str, rooms)]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns at once."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.live.chaos.client_process", *self._arguments,
            cwd=ROOT, stdout=subprocess.PIPE, limit=LONGEST_LINE_BYTES,
        )  # fmt: skip

    async def line(self) -> list[Any] | None:
        """What it said next; None after its end. Half a line counts as never said."""
        assert self._process is not None, "it was not started"
        assert self._process.stdout is not None, "it says things on a pipe"
        line = await self._process.stdout.readline()
        return list(json.loads(line)) if line.endswith(b"\n") else None

    def signal(self, number: signal.Signals) -> None:
        """SIGKILL, SIGSTOP, SIGCONT."""
        assert self._process is not None, "it was not started"
        self._process.send_signal(number)

    async def wait(self) -> int:
        """Its exit code."""
        assert self._process is not None, "it was not started"
        return await self._process.wait()

    def kill(self) -> None:
        """kill -9, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()


def options(room: int) -> SessionOptions:
    """A session that fills its slot soon and answers now and then."""
    ids = tuple(range(20))
    return SessionOptions(f"room {room}", prompt_ids=ids, threshold=0.6, max_reply_tokens=9)


async def talk(runtime: RedisRuntime, room: int, seed: int, frames: int, began: float) -> None:
    sound = await asyncio.to_thread(EndlessSound, 1_000 * seed + room)
    session = await opened(runtime, room)
    phase_s = room % 10 * FRAME_S / 10
    first = min(frames, max(0, int((time.time() - began - phase_s) / FRAME_S) + 1))
    say("opened", room, -session._numbering.first_seq, first)
    hearing = asyncio.create_task(hear(session, room))
    for index in range(first, frames):
        await asyncio.sleep(began + phase_s + index * FRAME_S - time.time())
        if hearing.done():
            break
        await session.push(sound.frame(index, seq=index - first))
        say("pushed", room, index)
    if not hearing.done():
        await session.finish()
    await hearing


async def opened(runtime: RedisRuntime, room: int) -> RedisSession:
    """As soon as that is possible: a killed predecessor is missed after two seconds."""
    while True:
        try:
            return await runtime.open(options(room))
        except RuntimeFailure:
            await asyncio.sleep(0.2)


async def hear(session: RedisSession, room: int) -> None:
    async for event in session.events():
        say("event", room, comparable(event))


def say(*parts: object) -> None:
    """At once, whole: what was said before a kill has been heard."""
    os.write(1, json.dumps(parts).encode() + b"\n")


async def main(url: str, seed: str, frames: str, began: str, *rooms: str) -> None:
    async with RedisRuntime(url, timings=TIMINGS) as runtime, asyncio.TaskGroup() as group:
        for room in rooms:
            group.create_task(talk(runtime, int(room), int(seed), int(frames), float(began)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
