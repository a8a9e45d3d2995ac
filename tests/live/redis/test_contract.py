"""The runtime behind Redis keeps the contract, with a real redis-server in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from interject.integrations.livekit.jobs.admission import Admission
from interject.integrations.livekit.jobs.worker import Slots
from interject.model_runtime.protocol import SessionClosed, SessionOptions
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.timings import Timings
from tests.contract.runtime_contract import DEADLINE_S, RuntimeContract, until_closed
from tests.fakes.livekit_jobs import FakeRunningJobs
from tests.live.conftest import hired

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

STEADY = Timings(worker_lease_s=30, client_lease_s=30)
"""Where nobody dies, a slow machine must not look like it."""


@pytest.fixture
async def runtime(redis_server: RedisServer) -> AsyncIterator[RedisRuntime]:
    async with hired(redis_server.url), RedisRuntime(redis_server.url) as opened:
        yield opened


class TestRedis(RuntimeContract):
    """The contract of every runtime."""


async def until_free(ask: Callable[[], Awaitable[int | None]], slots: int) -> None:
    """A worker frees a slot by and by."""
    free = None
    async with asyncio.timeout(DEADLINE_S):
        while free != slots:
            await asyncio.sleep(0.01)
            free = await ask()


async def test_free_slots_are_those_of_all_workers(redis_server: RedisServer) -> None:
    async with RedisRuntime(redis_server.url, timings=STEADY) as runtime:
        assert await runtime.free_slots() is None
        async with (
            hired(redis_server.url, slots=2, timings=STEADY),
            hired(redis_server.url, name="w2", slots=1, timings=STEADY),
        ):
            assert await runtime.free_slots() == 3
            first = await runtime.open(SessionOptions("a"))
            assert await runtime.free_slots() == 2
            for name in ("b", "c"):
                await runtime.open(SessionOptions(name))
            assert await runtime.free_slots() == 0
            await first.close()
            await until_closed(first)
            await until_free(runtime.free_slots, 1)
    with pytest.raises(SessionClosed):
        await runtime.free_slots()


async def test_a_full_fleet_is_refused_by_livekit_s_worker(redis_server: RedisServer) -> None:
    slots, jobs = Slots(redis_server.url), FakeRunningJobs()
    jobs.assigned.set()
    admission = Admission(jobs, slots=None, free_slots=slots.free)
    async with (
        hired(redis_server.url, slots=1, timings=STEADY),
        RedisRuntime(redis_server.url, timings=STEADY) as runtime,
    ):
        session = await runtime.open(SessionOptions("a"))
        await admission.on_request(jobs.request("one"))
        await session.close()
        await until_closed(session)
        await until_free(slots.free, 1)
        await admission.on_request(jobs.request("two"))
        await admission.on_request(jobs.request("three"))
    await slots.aclose()
    assert (jobs.accepted, jobs.rejected) == (["two"], ["one", "three"])


async def test_nobody_knows_how_full_an_unreachable_fleet_is(redis_server: RedisServer) -> None:
    slots = Slots(redis_server.url)
    redis_server.kill()
    assert await slots.free() is None
    await slots.aclose()
