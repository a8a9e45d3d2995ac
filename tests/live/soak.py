"""Twenty rooms for minutes or an hour while everything that serves them is killed in turn.

As `chaos/test_chaos.py` does: afterwards each room is held against what an undisturbed engine says
about the same sound. `make soak` runs it, `python -m benchmarks.report` shows what came of it. What
the rooms of a failed seed were told is kept in a file, and `--again FILE` holds it against the
engine once more.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import pickle
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, percentile
from interject.model_runtime.protocol import FRAME_S
from interject.model_runtime.threads import leave_a_core
from tests.live.chaos.room import accounts
from tests.live.chaos.schedule import Chaos
from tests.live.redis.server import RedisServer

if TYPE_CHECKING:
    from tests.live.chaos.room import Room
    from tests.live.chaos.schedule import Outcome

OUT = Path("out")

logger = logging.getLogger(__name__)

METHOD = (
    "Three workers with the tests' small model, three media processes, one Redis, each of the six "
    "behind a way of its own to Redis. Every second or two one of them is killed with kill -9, "
    "stopped for up to 3 s, cut off for up to 3 s, or drained. Or Redis answers for up to 3 s that "
    "it cannot save, or has no replica, memory or time; or a session beside the rooms loses a key, "
    "or is asked for with options that cannot be. The next deed comes when two frames "
    "that were yet to sound have been decided in every room, at least 0.8 s. The times count from "
    "the end of the deed; a media process takes 2 s to be missed and about one to start. A frame "
    "counts as never captured when no media process was there, or when it died with its media "
    "process. A reply may be begun twice where a media process was killed right after it had been "
    "told: the next one is told again what the dead one had not confirmed."
)


async def run(seed: int, *, rooms: int, minutes: float) -> Outcome:
    """One seed on a Redis of its own.

    :raises AssertionError: when a room was not told what it should have been.
    """
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        frames = round(60 * minutes / FRAME_S)
        chaos = Chaos(server, seed=seed, rooms=rooms, frames=frames)
        server.start()
        try:
            return await chaos.run()
        except BaseException:
            _keep(chaos.rooms, OUT / f"soak_{seed}.pickle")
            raise
        finally:
            server.kill()


def _keep(rooms: list[Room], file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(pickle.dumps(rooms))
    logger.error("what its rooms were told is in %s", file)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5.0, help="of each seed")
    parser.add_argument("--rooms", type=int, default=20)
    parser.add_argument("--name", default="soak", help="under which the result is kept")
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    parser.add_argument("--again", type=Path, metavar="FILE", help="rooms of a seed that failed")
    given = parser.parse_args()
    if given.smoke:
        given.seeds, given.minutes, given.rooms = 1, 0.3, 3
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    leave_a_core()
    if given.again is not None:
        sys.stdout.write(
            "\n".join(map(str, accounts(pickle.loads(given.again.read_bytes())))) + "\n"
        )
        return
    outcomes, failures = [], []
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        logger.info("== seed %d", seed)
        try:
            outcomes.append(asyncio.run(run(seed, rooms=given.rooms, minutes=given.minutes)))
        except* (AssertionError, TimeoutError) as group:
            failures.append(f"seed {seed}: {group.exceptions[0]}")
            logger.error("%s", failures[-1])
    if failures:
        sys.exit(f"{len(failures)} of {given.seeds} seeds failed; nothing was kept")
    finish(_result(outcomes, given), keep=not given.smoke)


def _result(outcomes: list[Outcome], given: argparse.Namespace) -> Result:
    times: dict[str, list[float]] = {}
    for outcome in outcomes:
        for recovery in outcome.recoveries:
            times.setdefault(recovery.deed, []).append(recovery.seconds)
    accounts = [account for outcome in outcomes for account in outcome.accounts]
    deeds = sum(map(len, times.values()))
    books = (
        f"{sum(a.decided for a in accounts)} frames decided, {sum(a.in_gaps for a in accounts)} in "
        f"reported gaps, {sum(a.unheard for a in accounts)} never captured; "
        f"{sum(a.replies for a in accounts)} replies, {sum(a.repeated_replies for a in accounts)} "
        "of them begun twice. Every room was told what an undisturbed engine says; "
        f"{sum(a.ties for a in accounts)} times two choices were as good as each other, and "
        "rounding decided."
    )
    scale = f"{given.seeds} x {given.minutes:g} min, {given.rooms} rooms"
    return Result(
        name=given.name,
        title=f"Under fire: {scale}",
        command=" ".join(["python -m tests.live.soak", *sys.argv[1:]]),
        hardware=describe(),
        columns=["what was done", "times", "all heard again, median", "p95", "longest"],
        rows=[
            [
                deed,
                str(len(seconds)),
                *(f"{percentile(seconds, share):.1f} s" for share in (50, 95, 100)),
            ]
            for deed, seconds in sorted(times.items())
        ],
        notes=[f"{scale}, {deeds} disturbances. {books}", METHOD],
        headlines={f"killed, stopped, cut off {deeds} times ({scale})": "nothing lost or changed"},
    )


if __name__ == "__main__":
    main()
