"""Half an hour of one call by WebRTC over a bad network: what grows. For `make soak`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import sys
import time
from dataclasses import dataclass

import psutil

from benchmarks.hardware import describe
from benchmarks.result import Result, finish
from benchmarks.webrtc_server import on_loopback
from tests.live.webrtc.test_loss import Call

LOSS, JITTER_S = 0.02, 0.06
LOOK_S = 10.0
MOST_GROWTH_S = 0.08
MIB = 1 << 20
METHOD = (
    f"One caller through a relay on the loopback device that loses {100 * LOSS:.0f} % of packets "
    f"and delays each by up to {1e3 * JITTER_S:.0f} ms. The caller clicks twice a second; a delay "
    "is from a click to where it stands in what the model hears. The runtime is a fake one; door, "
    "relay and caller share a process. A look every ten seconds after a collection of garbage."
)


@dataclass(frozen=True)
class CallLook:
    """What ten seconds of the call were like."""

    at_s: float
    delay_s: float
    mib: float
    tasks: int


async def stay(minutes: float) -> list[CallLook]:
    call, looks = Call(JITTER_S), list[CallLook]()
    process, began_at = psutil.Process(), time.monotonic()
    async with call.connected():
        call.relay.loss = LOSS
        while time.monotonic() - began_at < 60 * minutes:
            await asyncio.sleep(LOOK_S)
            delays = [delay for _, delay in call.delays_s]
            del call.session.frames[:-1]
            call.browser.forget()
            gc.collect()
            looks.append(
                CallLook(
                    time.monotonic() - began_at,
                    statistics.median(delays),
                    process.memory_info().rss / MIB,
                    len(asyncio.all_tasks()),
                )
            )
    return looks


def result(looks: list[CallLook], minutes: float) -> Result:
    names = ("delay", "memory", "tasks")
    first, last = looks[: len(looks) // 4 or 1], looks[-(len(looks) // 4 or 1) :]
    figures = [
        [
            f"{1e3 * statistics.median(look.delay_s for look in part):.0f} ms",
            f"{statistics.median(look.mib for look in part):.0f} MiB",
            f"{statistics.median(look.tasks for look in part):.0f}",
        ]
        for part in (first, last)
    ]
    return Result(
        name="webrtc_soak",
        title="A long call over a bad network",
        command=f"python -m tests.live.webrtc_soak --minutes {minutes:g}",
        hardware=describe(),
        columns=["", "first quarter", "last quarter"],
        rows=[[name, *values] for name, *values in zip(names, *figures, strict=True)],
        notes=[METHOD],
    )


def grew(looks: list[CallLook]) -> bool:
    quarter = len(looks) // 4 or 1
    first = statistics.median(look.delay_s for look in looks[:quarter])
    return statistics.median(look.delay_s for look in looks[-quarter:]) > first + MOST_GROWTH_S


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--keep", action="store_true", help="for docs/benchmarks.md")
    options = parser.parse_args()
    on_loopback()
    looks = asyncio.run(stay(options.minutes))
    finish(result(looks, options.minutes), keep=options.keep)
    sys.exit("the delay has grown" if grew(looks) else 0)


if __name__ == "__main__":
    main()
