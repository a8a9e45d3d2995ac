from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit.agents import JobRequest
from livekit.protocol import agent, models

if TYPE_CHECKING:
    from livekit.agents.job import JobAcceptArguments


class FakeRunningJobs:
    """Jobs get their process when the test says so."""

    def __init__(self) -> None:
        self.job_ids: set[str] = set()
        self.accepted: list[str] = []
        self.rejected: list[str] = []
        self.assigned = asyncio.Event()

    def request(self, job_id: str) -> JobRequest:
        async def reject(terminate: bool) -> None:
            assert not terminate, "another worker may have room"
            self.rejected.append(job_id)

        async def accept(arguments: JobAcceptArguments) -> None:
            assert job_id in arguments.identity
            self.accepted.append(job_id)
            await self.assigned.wait()
            self.job_ids.add(job_id)

        job = agent.Job(id=job_id, room=models.Room(name="r"))
        return JobRequest(job=job, on_reject=reject, on_accept=accept)
