"""Whether a process lives, and whether it should be given work."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BEAT_S = 1.0


class Stage(StrEnum):
    """Where a process is in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class HealthStatus:
    """An answer to a probe; `reason` is one line for a person."""

    good: bool
    reason: str


class Health:
    """Read from the thread of the probes, written from the event loop.

    A loop that has not beaten for `silence_s` hangs: the process is better killed, its sessions go
    on elsewhere. A lease that was not renewed for `lease_s` (Redis is away) makes it unready only:
    a restart would not bring Redis back.
    """

    def __init__(
        self,
        *,
        silence_s: float = 15.0,
        lease_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stage = Stage.STARTING
        self._silence_s = silence_s
        self._lease_s = lease_s
        self._clock = clock
        self._beat_at = clock()
        self._leased_at: float | None = None

    def beat(self) -> None:
        """The event loop turns."""
        self._beat_at = self._clock()

    def leased(self) -> None:
        """The lease was renewed: Redis is there, and it knows this process."""
        self._leased_at = self._clock()

    def alive(self) -> HealthStatus:
        """For `/healthz`."""
        silent_s = self._clock() - self._beat_at
        if silent_s > self._silence_s:
            return HealthStatus(False, f"the event loop has not turned for {silent_s:.0f} s")
        return HealthStatus(True, "alive")

    def ready(self) -> HealthStatus:
        """For `/readyz`."""
        if self.stage is not Stage.READY:
            return HealthStatus(False, self.stage.value)
        if self._leased_at is not None:
            unleased_s = self._clock() - self._leased_at
            if unleased_s > self._lease_s:
                return HealthStatus(
                    False, f"redis has not renewed the lease for {unleased_s:.0f} s"
                )
        return HealthStatus(True, "ready")

    async def keep_beating(self, every_s: float = BEAT_S) -> None:
        """Run beside the work, in the same event loop."""
        while True:
            self.beat()
            await asyncio.sleep(every_s)
