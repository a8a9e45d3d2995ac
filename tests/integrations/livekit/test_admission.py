"""As many jobs as there are slots, however many ask at the same moment."""

from __future__ import annotations

import asyncio
import logging

import pytest

from interject.integrations.livekit.jobs.admission import SETTLE_S, Admission
from interject.integrations.livekit.jobs.worker import Slots
from tests.fakes.clock import FakeClock
from tests.fakes.livekit_jobs import FakeRunningJobs


async def nobody_knows() -> int | None:
    return None


async def test_two_at_once_do_not_share_the_last_slot() -> None:
    fleet = FakeRunningJobs()
    admission = Admission(fleet, slots=2, free_slots=nobody_knows)
    async with asyncio.TaskGroup() as group:
        for job_id in ("a", "b", "c"):
            group.create_task(admission.on_request(fleet.request(job_id)))
        await asyncio.sleep(0)
        assert admission.load == 1.0
        fleet.assigned.set()
    assert (fleet.accepted, fleet.rejected) == (["a", "b"], ["c"])
    assert admission.load == 1.0
    assert admission.rejected == 1
    fleet.job_ids.remove("a")
    await admission.on_request(fleet.request("d"))
    assert fleet.accepted[-1] == "d"
    assert admission.load == 1.0


async def test_a_shared_runtime_has_the_last_word(caplog: pytest.LogCaptureFixture) -> None:
    fleet = FakeRunningJobs()
    free = 1

    async def theirs() -> int | None:
        return free

    admission = Admission(fleet, slots=8, free_slots=theirs)
    async with asyncio.TaskGroup() as group:
        group.create_task(admission.on_request(fleet.request("a")))
        group.create_task(admission.on_request(fleet.request("b")))
        await asyncio.sleep(0)
        fleet.assigned.set()
    assert (fleet.accepted, fleet.rejected) == (["a"], ["b"])
    assert "No slot is free" in caplog.text


@pytest.mark.parametrize(("free", "admitted"), [(None, True), (1, True), (0, False)])
async def test_without_slots_of_its_own_only_the_runtime_counts(
    free: int | None, admitted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fleet = FakeRunningJobs()
    fleet.assigned.set()

    async def theirs() -> int | None:
        return free

    admission = Admission(fleet, slots=None, free_slots=theirs)
    await admission.on_request(fleet.request("a"))
    assert fleet.accepted == (["a"] if admitted else [])
    assert admission.load == 0.0


async def test_why_nobody_knows_how_many_slots_are_free_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slots = Slots("redis://127.0.0.1:1/0")
    assert await slots.free() is None
    await slots.aclose()
    (record,) = (one for one in caplog.records if "how many slots" in one.message)
    assert "no Redis answers there" in vars(record)["reason"]


class Shared:
    """A runtime that counts a session when it is opened, some time after its job was accepted."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.opened = 0
        self.clock = FakeClock()
        self.fleet = FakeRunningJobs()
        self.fleet.assigned.set()
        self._admission = Admission(self.fleet, slots=None, free_slots=self._free, clock=self.clock)

    async def _free(self) -> int | None:
        return self.slots - self.opened

    async def ask(self, *job_ids: str) -> list[str]:
        """Those that were accepted so far."""
        for job_id in job_ids:
            await self._admission.on_request(self.fleet.request(job_id))
        return self.fleet.accepted


async def test_jobs_without_a_session_are_counted() -> None:
    assert await Shared(slots=2).ask("a", "b", "c") == ["a", "b"]


async def test_a_job_whose_session_is_open_counts_once() -> None:
    shared = Shared(slots=4)
    await shared.ask("a", "b")
    shared.opened = 2
    assert await shared.ask("c") == ["a", "b", "c"]
    shared.opened = 3
    assert await shared.ask("d", "e") == ["a", "b", "c", "d"]


async def test_a_job_that_ended_claims_nothing() -> None:
    shared = Shared(slots=1)
    await shared.ask("a")
    shared.fleet.job_ids.remove("a")
    assert await shared.ask("b") == ["a", "b"]


async def test_a_claim_ends_when_the_job_has_surely_opened_its_session() -> None:
    shared = Shared(slots=1)
    assert await shared.ask("a", "b") == ["a"]
    shared.clock.advance(SETTLE_S)
    assert await shared.ask("c") == ["a", "c"]


async def test_the_server_asks_as_long_as_a_slot_is_free() -> None:
    """From a load of 0.7 on it asks a worker no more."""
    fleet = FakeRunningJobs()
    admission = Admission(fleet, slots=8, free_slots=nobody_knows)
    fleet.job_ids.update(f"job-{number}" for number in range(7))
    assert 0 < admission.load < 0.7
    fleet.job_ids.add("the last")
    assert admission.load == 1.0
