"""Kills a worker under load, and sees when every session is decided for again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.servers import Server
    from interject.cli.bench.outcome import ChunkTimes

SETTLE_S = 0.2
LONGEST_RECOVERY_S = 120.0
_POLL_S = 0.02


@dataclass
class Watch:
    """Sees every decision; knows since when each session has been silent."""

    sessions: int
    killed_at: float = float("inf")
    back: dict[str, float] = field(default_factory=dict)
    longest_s: float = 0.0

    def __call__(self, session_id: str, seq: int, times: ChunkTimes) -> None:
        """Chunks that were due before the kill may still wait: they count for the longest wait."""
        del seq
        self.longest_s = max(self.longest_s, times.received - times.due)
        if times.due > self.killed_at:
            self.back.setdefault(session_id, times.received)

    def begin(self, now: float) -> None:
        """The kill is now."""
        self.killed_at, self.longest_s = now, 0.0
        self.back.clear()

    @property
    def flowing(self) -> bool:
        return len(self.back) == self.sessions


@dataclass(frozen=True)
class Recovery:
    flowing_s: float
    longest_wait_s: float


async def kill(worker: Server, watch: Watch) -> Recovery:
    watch.begin(time.monotonic())
    # A process on a GPU takes a while to be gone: the load goes on meanwhile.
    await asyncio.to_thread(worker.kill)
    await until(lambda: watch.flowing)
    await asyncio.sleep(SETTLE_S)
    return Recovery(max(watch.back.values()) - watch.killed_at, watch.longest_s)


async def restart(worker: Server) -> None:
    """Without holding up the load."""
    worker.start()
    await until(lambda: worker.is_ready)
    await asyncio.sleep(SETTLE_S)


async def until(holds: Callable[[], bool]) -> None:
    """:raises RuntimeError: when it takes too long."""
    deadline = time.monotonic() + LONGEST_RECOVERY_S
    while time.monotonic() < deadline:
        if holds():
            return
        await asyncio.sleep(_POLL_S)
    raise RuntimeError(f"nothing came back within {LONGEST_RECOVERY_S:.0f} s")
