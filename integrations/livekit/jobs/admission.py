"""A job is taken only while there is a slot for it. LiveKit's own load is sampled, not a lock."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from interject.integrations.livekit.room.precedence import NAME_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from livekit.agents import JobRequest

logger = logging.getLogger(__name__)

AGENT_IDENTITY = "interject"
SETTLE_S = 15.0
"""By then a job that was accepted has opened its session, and the runtime counts it."""
ROOM_LEFT = 0.6


def agent_identity(job_id: str) -> str:
    """Of the participant that a job is in its room."""
    return f"{AGENT_IDENTITY}-{job_id}"


class RunningJobs(Protocol):
    """The worker, as far as its jobs go."""

    @property
    def job_ids(self) -> set[str]:
        """Jobs that have a process now."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What was free before a job was accepted."""

    free: int
    at_s: float


class Claims:
    """Jobs that the runtime may not count yet, so that two do not get the same free slot."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._made: dict[str, _Claim] = {}

    def left(self, free: int, living: set[str]) -> int:
        """Of what is free by the runtime's count. A job that has ended claims nothing."""
        oldest_s = self._clock() - SETTLE_S
        self._made = {
            job_id: claim
            for job_id, claim in self._made.items()
            if job_id in living and claim.at_s > oldest_s
        }
        since = range(len(self._made), 0, -1)
        earlier = zip(self._made.values(), since, strict=True)
        return min([free, *(claim.free - claims for claim, claims in earlier)])

    def add(self, job_id: str, free: int) -> None:
        self._made[job_id] = _Claim(free, self._clock())


class Admission:
    """`slots` is how many jobs this worker may have at once; none: only the runtime knows.

    `free_slots` asks the runtime, which others may use as well; its answer may be None. A job that
    was accepted and has no process yet counts as one, and so does one that has no session yet.
    """

    def __init__(
        self,
        jobs: RunningJobs,
        *,
        slots: int | None,
        free_slots: Callable[[], Awaitable[int | None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = jobs
        self._slots = slots
        self._free_slots = free_slots
        self._accepting: dict[str, None] = {}
        self._claims = Claims(clock)
        self.rejected = 0

    @property
    def load(self) -> float:
        """What the server balances its workers by; 1.0 is full, and anything else leaves room.

        From 0.7 on (its `agents.target_load`) a LiveKit server asks a worker no more, so what is
        not full stays below.
        """
        if self._slots is None:
            return 0.0
        share = len(self._jobs.job_ids | self._accepting.keys()) / self._slots
        return 1.0 if share >= 1.0 else ROOM_LEFT * share

    async def on_request(self, request: JobRequest) -> bool:
        """Accept or reject; a rejected job goes to another worker, if there is one.

        True: the job has a process now.
        """
        earlier = set(self._accepting)
        self._accepting[request.id] = None
        try:
            free = await self._free(earlier)
            if free is not None and free < 1:
                self.rejected += 1
                logger.warning(
                    "No slot is free, so a job was rejected",
                    extra={"job_id": request.id, "lk.pii.room_name": request.room.name},
                )
                await request.reject(terminate=False)
                return False
            if free is not None:
                self._claims.add(request.id, free)
            logger.info("A job is accepted", extra={"job_id": request.id, "free_slots": free})
            await request.accept(
                identity=agent_identity(request.id),
                name="Interject",
                attributes={NAME_ATTRIBUTE: request.agent_name},
            )
            return True
        finally:
            self._accepting.pop(request.id, None)

    async def _free(self, earlier: set[str]) -> int | None:
        """Slots for this job, after those that are being accepted already."""
        running = self._jobs.job_ids
        mine = None
        if self._slots is not None:
            mine = self._slots - len(running | earlier)
            if mine < 1:
                return mine
        theirs = await self._free_slots()
        if theirs is None:
            return mine
        theirs = self._claims.left(theirs, self._jobs.job_ids | self._accepting.keys())
        return theirs if mine is None else min(mine, theirs)
