"""An hour of sessions through Redis, as fast as it goes: what Redis holds and what a worker grows.

The sound of an hour is pushed ahead of the decisions by a few chunks only, so Redis is trimmed in
the same way as in an hour of real time.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from redis.asyncio import Redis

from benchmarks.hardware import describe
from benchmarks.pictures import draw_redis_memory
from benchmarks.result import Result, finish, this_command
from benchmarks.room import rooms
from benchmarks.servers import Fleet
from interject.model_runtime import open_runtime
from interject.model_runtime.protocol import (
    FRAME_S,
    Decision,
    Event,
    RuntimeSession,
    SessionOptions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.cli.bench.looped_sound import RoomSound

MINUTE_CHUNKS = round(60 / FRAME_S)
AHEAD = 12
"""Chunks on their way at once."""
REPLY_EVERY_CHUNKS = 50
MAX_REPLY_TOKENS = 12
NEVER = 1.0
SETTLED_MINUTE = 15
"""By then slots, journals and the output stream are as full as they get."""
KINDS = {
    "in": "sound", "out": "events", "snapshot": "snapshot", "journal": "journal",
    "session": "options and owner",
}  # fmt: skip
_KIB, _MIB = 1 << 10, 1 << 20


@dataclass(frozen=True)
class Minute:
    """At its end: bytes a session by kind of key, all of Redis, the worker's resident memory, and
    how much of that are pages of files.
    """

    kinds: dict[str, float]
    redis_bytes: float
    rss_bytes: float
    file_bytes: float

    @property
    def own_bytes(self) -> float:
        """What the worker has asked for."""
        return self.rss_bytes - self.file_bytes


@dataclass(frozen=True)
class Slope:
    """A straight line through what was measured: its rise an hour, the standard error of that,
    and the standard deviation of what was measured around the line.
    """

    an_hour: float
    error: float
    scatter: float
    hours: float

    @classmethod
    def of(cls, minutes: list[float], values: list[float]) -> Slope:
        """:raises ValueError: for fewer than three values."""
        if len(minutes) < 3:
            raise ValueError("a slope needs three minutes")
        hours, seen = np.array(minutes) / 60, np.array(values)
        line = np.polynomial.Polynomial.fit(hours, seen, 1).convert()
        spread = hours - hours.mean()
        rest = seen - line(hours)
        error = np.sqrt((rest @ rest) / (len(seen) - 2) / (spread @ spread))
        rise = float(line.coef[1]) if len(line.coef) > 1 else 0.0
        return cls(rise, float(error), float(rest.std()), float(hours[-1] - hours[0]))

    @property
    def is_noise(self) -> bool:
        """Whether the line rises or falls by less than what lies around it."""
        return abs(self.an_hour) * self.hours <= 2 * max(self.scatter, self.error * self.hours)


class Talker:
    """One session; pushes on as decisions come."""

    def __init__(self, session: RuntimeSession, room: RoomSound) -> None:
        self._session = session
        self._events = session.events()
        self._room = room
        self._pushed = 0
        self._decided = 0

    async def minute(self, chunks: int) -> None:
        """Until its last chunk is decided."""
        last = self._decided + chunks
        while self._decided < last:
            while self._pushed < min(last, self._decided + AHEAD):
                await self._push()
            await self._wait_for(Decision)
            self._decided += 1

    async def _push(self) -> None:
        await self._session.push(self._room.frame(self._pushed, self._pushed * FRAME_S))
        self._pushed += 1
        if self._pushed % REPLY_EVERY_CHUNKS == 0:
            await self._session.answer_now()

    async def _wait_for(self, kind: type[Event]) -> None:
        async for event in self._events:
            if isinstance(event, kind):
                return
        raise RuntimeError("the session has ended")


async def look(client: Redis, fleet: Fleet, sessions: int) -> Minute:
    """What is there now."""
    sizes: Counter[str] = Counter()
    keys: list[bytes] = [key async for key in client.scan_iter(match="*", count=1_000)]
    for key in keys:
        usage: Any = await client.memory_usage(key, samples=0)
        sizes[key.decode().split(":")[3]] += usage or 0
    told: dict[str, Any] = await client.info("memory")
    kinds = {kind: sizes[kind] / sessions for kind in KINDS}
    return Minute(kinds, told["used_memory"], *fleet.workers[0].memory_bytes())


async def measure(
    fleet: Fleet, sessions: int, minutes: int, *, chunks: int = MINUTE_CHUNKS
) -> list[Minute]:
    """The first entry is that before any sound."""
    runtime = open_runtime(fleet.url)
    seen: list[Minute] = []
    async with Redis.from_url(fleet.url) as client:
        try:
            talkers = []
            for number, room in enumerate(rooms(sessions)):
                options = SessionOptions(
                    f"memory-{number}", threshold=NEVER, max_reply_tokens=MAX_REPLY_TOKENS
                )
                talkers.append(Talker(await runtime.open(options), room))
            seen.append(await look(client, fleet, sessions))
            for number in range(minutes):
                async with asyncio.TaskGroup() as tasks:
                    for talker in talkers:
                        tasks.create_task(talker.minute(chunks), name="minute")
                seen.append(await look(client, fleet, sessions))
                print(
                    f"minute {number + 1}: Redis {seen[-1].redis_bytes / _MIB:.1f} MiB, worker "
                    f"{seen[-1].rss_bytes / _MIB:.1f} MiB", flush=True
                )  # fmt: skip
        finally:
            await runtime.aclose()
    return seen


def rows_of(seen: list[Minute], sessions: int) -> Iterator[list[str]]:
    """A few of the minutes."""
    last = len(seen) - 1
    for number in sorted({1, 2, 5, 15, 30, last} & set(range(1, last + 1))):
        minute = seen[number]
        total = (minute.redis_bytes - seen[0].redis_bytes) / sessions
        yield [
            str(number),
            *(f"{size / _KIB:.0f}" for size in minute.kinds.values()),
            f"{total / _KIB:.0f}",
            f"{minute.rss_bytes / _MIB:.1f}",
            f"{minute.own_bytes / _MIB:.1f}",
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=4)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    given = parser.parse_args()
    chunks = MINUTE_CHUNKS
    if given.smoke:
        given.sessions, given.minutes, chunks = 1, 4, 10
    with Fleet() as fleet:
        fleet.hire(slots=given.sessions, model=given.model)
        seen = asyncio.run(measure(fleet, given.sessions, given.minutes, chunks=chunks))
    settled = min(SETTLED_MINUTE, len(seen) - 3)
    ages = [float(number) for number in range(settled, len(seen))]
    rss = [minute.rss_bytes / _MIB for minute in seen[settled:]]
    own = [minute.own_bytes / _MIB for minute in seen[settled:]]
    held = [(m.redis_bytes - seen[0].redis_bytes) / given.sessions / _MIB for m in seen]
    resident, worker = Slope.of(ages, rss), Slope.of(ages, own)
    redis = Slope.of(ages, held[settled:])
    if not given.smoke:
        kinds = {KINDS[k]: [m.kinds[k] / _MIB for m in seen] for k in KINDS}
        draw_redis_memory(kinds, held, [m.own_bytes / _MIB for m in seen])
    finish(
        Result(
            name="redis_memory",
            title="Memory of Redis and of a worker",
            command=this_command("redis_memory"),
            hardware=describe(),
            columns=[
                "minute", *(f"{name}, KiB" for name in KINDS.values()),
                "used_memory a session, KiB", "worker, MiB",
                "worker without files, MiB",
            ],
            rows=list(rows_of(seen, given.sessions)),
            notes=[
                sentence("The worker's resident memory", resident, settled, "MiB"),
                sentence("The same without pages of files", worker, settled, "MiB"),
                sentence("Redis, a session,", redis, settled, "MiB"),
                METHOD.format(sessions=given.sessions),
            ],
            headlines={
                "Redis memory a session after an hour": f"{held[-1]:.2f} MiB",
                "a worker's memory without pages of files, change an hour": (
                    f"{worker.an_hour:+.2f} ± {worker.error:.2f} MiB"
                ),
            },
            series={
                "redis_mib_a_session": held,
                "worker_mib": [m.rss_bytes / _MIB for m in seen],
                "worker_own_mib": [m.own_bytes / _MIB for m in seen],
            },
        ),
        keep=not given.smoke,
    )  # fmt: skip


METHOD = (
    "{sessions} sessions. An hour of sound is pushed as fast as it is decided, at most "
    f"{AHEAD} chunks ahead, with a reply of up to {MAX_REPLY_TOKENS} tokens every "
    f"{REPLY_EVERY_CHUNKS} chunks. Bytes by kind of key are those of MEMORY USAGE; used_memory is "
    "that of the whole server less what it was before the first chunk. Pages of files are programs "
    "and libraries; Linux drops those that are seldom used, and reads them again."
)


def sentence(what: str, slope: Slope, since: int, unit: str) -> str:
    verdict = "nothing within the noise" if slope.is_noise else "more than the noise"
    return (
        f"{what} from minute {since} on: {slope.an_hour:+.3f} ± {slope.error:.3f} {unit} an hour, "
        f"scattered by {slope.scatter:.3f} {unit}: {verdict}."
    )


if __name__ == "__main__":
    main()
