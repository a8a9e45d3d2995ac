"""A room whose agent was lost gets another one. LiveKit itself sends none."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from livekit import api

from interject.integrations.livekit.jobs.admission import AGENT_IDENTITY, agent_identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import AgentServer, JobRequest
    from livekit.protocol.agent import Job

    from interject.integrations.conversation.consent_store import ConsentStore
    from interject.integrations.livekit.jobs.access import Access
    from interject.integrations.livekit.jobs.admission import RunningJobs

logger = logging.getLogger(__name__)

LOOK_S = 0.2
MOST_IN_A_MINUTE = 3
MINUTE_S = 60.0
ASK_EVERY_S = 1.0
REGISTERED_S = 30.0
"""By then this worker has surely found the server again; a dispatch that comes before is lost."""
RETURN_S = 120.0
"""People come back to a room within this time after their server has come back."""


@dataclass(slots=True)
class _Orphan:
    """A room whose job ended while the server was away. `until_s` is known once it is back."""

    job: Job
    lost_at_s: float
    until_s: float | None = None


class JobRecovery:
    """Looks after the jobs of one worker while that runs.

    A job that ended well has left its room. One whose process is gone while its participant still
    stands there has crashed: the participant is removed and the agent dispatched anew, at most
    `MOST_IN_A_MINUTE` times for a room, since what crashes it may be the room. A job that ends
    while the server cannot be asked was given up by LiveKit after some ten seconds without it: its
    room gets another agent as soon as the server and somebody in the room are back.

    What was stopped in a room is in `consent` for its next agent, until the room has ended.
    """

    def __init__(
        self,
        server: AgentServer,
        running: RunningJobs,
        access: Access,
        *,
        consent: ConsentStore | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server, self._running = server, running
        self._access = access
        self._consent = consent
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._orphans: dict[str, _Orphan] = {}
        self._ask_at_s = self._registered_at_s = 0.0
        self._revived_at: defaultdict[str, deque[float]] = defaultdict(deque)
        self._task: asyncio.Task[None] | None = None
        server.on("worker_started", self._start)
        server.on("worker_registered", self._on_registered)

    def on_request(self, request: JobRequest) -> None:
        """Whoever dispatched it: to the people who came back it is the room that was lost."""
        if (orphan := self._orphans.get(request.room.name)) is not None:
            self._carry(orphan.job, request.room.sid)

    def follow(self, job: Job) -> None:
        """From when it has a process: one that dies before the next look is seen to be gone."""
        self._jobs[job.id] = job

    def _start(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="recovery")

    def _on_registered(self, *_: object) -> None:
        self._registered_at_s = self._clock()

    async def _watch(self) -> None:
        """Ends with the worker's loop, which cancels what still runs."""
        while True:
            for job_id in self._jobs.keys() - self._running.job_ids:
                job = self._jobs.pop(job_id)
                if not self._server.draining:
                    await self._look_at(job)
            if self._clock() >= self._ask_at_s:
                self._ask_at_s = self._clock() + ASK_EVERY_S
                for orphan in tuple(self._orphans.values()):
                    await self._look_after(orphan)
            await asyncio.sleep(LOOK_S)

    async def _look_at(self, job: Job) -> None:
        room = job.room.name
        try:
            async with self._service() as service:
                present = await _participants(service, room)
                if any(one.identity == agent_identity(job.id) for one in present):
                    await self._dispatch_anew(service, job)
                elif not present:
                    self._forget(job)
        except (aiohttp.ClientError, TimeoutError):
            self._orphans[room] = _Orphan(job, self._clock())
            logger.warning("A job ended while the server was away", extra={"job_id": job.id})
        except api.TwirpError as error:
            logger.warning(
                "A lost job could not be looked at",
                extra={"job_id": job.id, "error_code": error.code},
            )

    async def _look_after(self, orphan: _Orphan) -> None:
        room, age_s = orphan.job.room.name, self._clock() - orphan.lost_at_s
        if self._registered_at_s <= orphan.lost_at_s and age_s < REGISTERED_S:
            return
        try:
            async with self._service() as service:
                present = await _participants(service, room)
                if orphan.until_s is None:
                    orphan.until_s = self._clock() + RETURN_S
                if any(one.kind != api.ParticipantInfo.Kind.AGENT for one in present):
                    del self._orphans[room]
                    if not any(one.identity.startswith(AGENT_IDENTITY) for one in present):
                        await self._dispatch_anew(service, orphan.job)
                elif self._clock() >= orphan.until_s:
                    self._forget(orphan.job)
                    del self._orphans[room]
        except (api.TwirpError, aiohttp.ClientError, TimeoutError):
            return

    def _service(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self._access.url, self._access.api_key, self._access.api_secret)

    async def _dispatch_anew(self, service: api.LiveKitAPI, job: Job) -> None:
        if not self._may_try_again(job.room.name):
            logger.error(
                "An agent crashes again and again; its room gets no other", extra={"job_id": job.id}
            )
            return
        logger.warning(
            "A room has lost its agent; another one is dispatched", extra={"job_id": job.id}
        )
        with contextlib.suppress(api.TwirpError):
            await service.room.remove_participant(
                api.RoomParticipantIdentity(room=job.room.name, identity=agent_identity(job.id))
            )
        self._carry(job, await _sid(service, job.room.name))
        await service.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(
                agent_name=job.agent_name, room=job.room.name, metadata=job.metadata
            )
        )

    def _carry(self, job: Job, sid: str) -> None:
        if self._consent is not None and sid:
            self._consent.carry(job.room.sid, sid)

    def _forget(self, job: Job) -> None:
        if self._consent is not None:
            self._consent.forget(job.room.sid)

    def _may_try_again(self, room: str) -> bool:
        times, now = self._revived_at[room], self._clock()
        while times and now - times[0] >= MINUTE_S:
            times.popleft()
        if len(times) >= MOST_IN_A_MINUTE:
            return False
        times.append(now)
        for name in [name for name, stamps in self._revived_at.items() if not stamps]:
            del self._revived_at[name]
        return True


async def _participants(service: api.LiveKitAPI, room: str) -> list[api.ParticipantInfo]:
    """Nobody where there is no such room."""
    try:
        answer = await service.room.list_participants(api.ListParticipantsRequest(room=room))
    except api.TwirpError as error:
        if error.code == api.TwirpErrorCode.NOT_FOUND:
            return []
        raise
    return list(answer.participants)


async def _sid(service: api.LiveKitAPI, room: str) -> str:
    """Empty where there is no such room any more."""
    answer = await service.room.list_rooms(api.ListRoomsRequest(names=[room]))
    return next((one.sid for one in answer.rooms), "")
