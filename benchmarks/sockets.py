"""Plain sockets: two-way streams at 16 kHz a core."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, percentile, this_command
from benchmarks.webrtc import MOST_LAG_MS, SETTLING_S, Child, measured
from interject.model_runtime.protocol import FRAME_S as CHUNK_S

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVELS = (1, 25, 50, 75, 100)
METHOD = (
    "The door alone in one process, with a runtime that is always silent and agents that talk all "
    "the time without a voice, from a tone; whoever dials in, in another process on the same "
    "machine, says a kitchen in messages of 20 ms and reads what comes back. 16 kHz, 16 bits, both "
    "ways. Lag is how much later than asked for a sleep of 5 ms ends in the door's event loop; CPU "
    "is the door's process, in shares of one core. Heard: of the speech that belongs to that time."
)


@dataclass(frozen=True)
class Streams:
    """So many at once, for a while."""

    count: int
    cpu_share: float
    decided_share: float
    heard_share: float
    late_ms: list[float] = field(repr=False)

    @property
    def keeps_up(self) -> bool:
        whole = min(self.decided_share, self.heard_share) > 0.98
        return whole and percentile(self.late_ms, 99) <= MOST_LAG_MS


def measure(count: int, seconds: float, *, settling_s: float = SETTLING_S) -> Streams:
    server = Child("sockets_server")
    port = server.ready()
    callers = Child("sockets_callers", f"ws://127.0.0.1:{port}/sockets/plain", str(count))
    url = f"http://127.0.0.1:{port}"
    try:
        callers.ready()
        time.sleep(settling_s)
        before, heard, began_at = measured(url), float(callers.ask()), time.monotonic()
        time.sleep(seconds)
        after, heard = measured(url), float(callers.ask()) - heard
        passed_s = time.monotonic() - began_at
    finally:
        callers.end()
        server.end()
    decided = after["decided"] - before["decided"]
    return Streams(
        count,
        (after["cpu_s"] - before["cpu_s"]) / passed_s,
        decided * CHUNK_S / (count * passed_s),
        heard / (count * passed_s),
        after["late_ms"],
    )


def rows(levels: Sequence[Streams]) -> list[list[str]]:
    return [
        [
            str(level.count),
            f"{100 * level.cpu_share:.0f} %",
            f"{percentile(level.late_ms, 50):.1f}",
            f"{percentile(level.late_ms, 99):.1f}",
            f"{100 * level.decided_share:.0f} %",
            f"{100 * level.heard_share:.0f} %",
        ]
        for level in levels
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--streams", type=int, nargs="+", default=list(LEVELS))
    parser.add_argument(
        "--smoke", "--quick", action="store_true", help="a quick run that is not kept"
    )
    given = parser.parse_args()
    if given.smoke:
        given.seconds, given.streams = 1.0, [1]
    settling_s = 0.5 if given.smoke else SETTLING_S
    levels = []
    for count in given.streams:
        levels.append(measure(count, given.seconds, settling_s=settling_s))
        print(" | ".join(rows(levels[-1:])[0]), flush=True)
    most = max((level.count for level in levels if level.keeps_up), default=0)
    finish(
        Result(
            name="sockets",
            title="Sound over web sockets",
            command=this_command("sockets"),
            hardware=describe(),
            columns=[
                "streams", "door's CPU", "lag median, ms", "lag p99, ms", "chunks decided", "heard",
            ],
            rows=rows(levels),
            notes=[METHOD],
            headlines={
                "two-way sockets at 16 kHz of one process with a loop lag p99 of "
                f"{MOST_LAG_MS:.0f} ms": str(most)
            },
        ),
        keep=not given.smoke,
    )  # fmt: skip


if __name__ == "__main__":
    main()
