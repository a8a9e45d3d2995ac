"""One session for an hour of stream time at full speed: does a chunk's cost or memory grow?"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass

import psutil

from benchmarks.hardware import describe
from benchmarks.pictures import draw_long_session
from benchmarks.result import Result, finish, percentile, this_command
from benchmarks.room import rooms
from interject.model_runtime import open_runtime
from interject.model_runtime.protocol import (
    FRAME_S,
    Decision,
    Event,
    ReplyEnded,
    RuntimeSession,
    SessionOptions,
)

MINUTE_CHUNKS = round(60 / FRAME_S)
_MIB = 1 << 20


REPLY_EVERY_CHUNKS = 50
NEVER = 1.0
MAX_REPLY_TOKENS = 12


@dataclass(frozen=True)
class Minute:
    """One minute of the stream: median wall time, mean CPU time of all threads, memory after it."""

    wall_ms: float
    cpu_ms: float
    rss_mib: float


class Hour:
    """Pushes each chunk when the one before has been decided, and times only that.

    Now and then the model is made to reply, so that turns and replies enter the memory too.
    """

    def __init__(self, session: RuntimeSession) -> None:
        self._session = session
        self._events = session.events()
        self._room = rooms(1)[0]
        self._seq = 0

    async def minute(self) -> Minute:
        wall, cpu = [], 0.0
        for _ in range(MINUTE_CHUNKS):
            wall_before, cpu_before = time.perf_counter(), time.process_time()
            await self._session.push(self._room.frame(self._seq, self._seq * FRAME_S))
            await self._wait_for(Decision)
            wall.append(1e3 * (time.perf_counter() - wall_before))
            cpu += 1e3 * (time.process_time() - cpu_before)
            self._seq += 1
            if self._seq % REPLY_EVERY_CHUNKS == 0:
                await self._session.answer_now()
                await self._wait_for(ReplyEnded)
        rss_mib = psutil.Process().memory_info().rss / _MIB
        return Minute(percentile(wall, 50), cpu / MINUTE_CHUNKS, rss_mib)

    async def _wait_for(self, kind: type[Event]) -> None:
        async for event in self._events:
            if isinstance(event, kind):
                return


async def measure(model: str, minutes: int) -> list[Minute]:
    """One session, from its first chunk."""
    runtime = open_runtime(model, slots=1)
    try:
        options = SessionOptions("long", threshold=NEVER, max_reply_tokens=MAX_REPLY_TOKENS)
        session = await runtime.open(options)
        hour = Hour(session)
        measured = [await hour.minute() for _ in range(minutes)]
        await session.close()
    finally:
        await runtime.aclose()
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="embedded:nano")
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    arguments = parser.parse_args()
    minutes = 2 if arguments.smoke else arguments.minutes
    measured = asyncio.run(measure(arguments.model, minutes))
    series = {name: [getattr(m, name) for m in measured] for name in Minute.__annotations__}
    if not arguments.smoke:
        draw_long_session(*series.values())
    shown = sorted({1, 2, 10, 30, minutes} & set(range(1, minutes + 1)))
    first, last = measured[0], measured[-1]
    growth = (
        f"Minute {minutes} over minute 1: wall {last.wall_ms / first.wall_ms:.3f}, CPU "
        f"{last.cpu_ms / first.cpu_ms:.3f}, memory {last.rss_mib - first.rss_mib:+.1f} MiB. A slot "
        "fills within the first minute, so that minute's chunks look back less far."
    )
    finish(
        Result(
            name="long_session",
            title="An hour in one session",
            command=this_command("long_session"),
            hardware=describe(),
            columns=["minute", "wall, ms a chunk", "CPU, ms a chunk", "resident memory, MiB"],
            rows=[
                [
                    str(n),
                    f"{measured[n - 1].wall_ms:.2f}",
                    f"{measured[n - 1].cpu_ms:.2f}",
                    f"{measured[n - 1].rss_mib:.0f}",
                ]
                for n in shown
            ],
            notes=[growth],
            headlines={
                f"cost of a chunk in minute {minutes} over minute 1": (
                    f"{last.wall_ms / first.wall_ms:.2f} (wall), "
                    f"{last.cpu_ms / first.cpu_ms:.2f} (CPU)"
                )
            },
            series=series,
        ),
        keep=not arguments.smoke,
    )  # fmt: skip


if __name__ == "__main__":
    main()
