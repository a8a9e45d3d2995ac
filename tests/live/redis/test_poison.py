"""A session that costs one worker after the other its lease is closed; those beside it go on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    RuntimeFailure,
    SessionOptions,
)
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.keys import DEFAULT_TENANT, Keys, session_name
from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.redis.worker.membership import Lease
from interject.model_runtime.redis.worker.placing import Placing
from tests.contract.runtime_contract import heard, of, until_closed
from tests.live.conftest import hired
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from interject.model_runtime.redis.connection import RedisClient
    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

KEYS = Keys("0")
SOUND = frames(noise(0.8))
TENANTS = (DEFAULT_TENANT,)
BRIEF = Timings(worker_lease_s=0.1)
PATIENT = Timings(worker_lease_s=1.0)


async def lose(client: RedisClient, name: str, *, looked_at: str) -> None:
    """A worker takes everything over, looks at one of it, and stalls until its lease is gone."""
    lease = Lease(KEYS, name=name, slots=4, tenants=TENANTS, timings=BRIEF)
    await lease.register(client)
    async with asyncio.timeout(10):
        while not await client.lrem(KEYS.todo(lease.token), 1, looked_at):
            await asyncio.sleep(0.01)
            await lease.renew(client)
    await asyncio.sleep(2 * BRIEF.worker_lease_s)


async def placed(client: RedisClient, lease: Lease, *names: str) -> None:
    placing = Placing(KEYS, lease, timings=PATIENT)
    async with asyncio.timeout(10):
        while await client.exists(*map(KEYS.session, names)) < len(names):
            await placing.serve(client)


async def test_a_session_that_costs_workers_their_leases_is_closed_alone(
    redis_server: RedisServer, client: RedisClient
) -> None:
    bad, good = (session_name(DEFAULT_TENANT, name, secret="") for name in ("bad", "good"))
    first = Lease(KEYS, name="w0", slots=4, tenants=TENANTS, timings=PATIENT)
    await first.register(client)
    async with RedisRuntime(redis_server.url) as runtime:
        opening = [
            asyncio.create_task(runtime.open(SessionOptions(name, threshold=1.0)))
            for name in ("bad", "good")
        ]
        await placed(client, first, bad, good)
        await client.lrem(KEYS.todo(first.token), 1, bad)
        await asyncio.sleep(1.1)
        for name in ("w1", "w2"):
            await lose(client, name, looked_at=bad)
        assert await client.hget(KEYS.session(bad), "lost") == b"2"
        assert await client.hget(KEYS.session(good), "lost") is None
        async with hired(redis_server.url, name="w3"):
            with pytest.raises(RuntimeFailure, match="2 workers that took it over lost"):
                await opening[0]
            session = await opening[1]
            assert await client.hget(KEYS.session(bad), "state") == b"closed"
            with pytest.raises(RuntimeFailure, match=r"not taken again for 1\d\d s"):
                await runtime.open(SessionOptions("bad"))
            await session.close()


@pytest.mark.parametrize(("seed", "context"), [(3, 512), (2, 256)])
async def test_a_session_of_another_model_or_context_is_closed_with_the_reason(
    redis_server: RedisServer, seed: int, context: int
) -> None:
    async with RedisRuntime(redis_server.url) as runtime:
        async with hired(redis_server.url, name="w1"):
            session = await runtime.open(SessionOptions("a", threshold=1.0))
            await session.push(SOUND[0])
            assert isinstance(await anext(session.events()), Decision)
        async with hired(redis_server.url, name="w2", seed=seed, context=context):
            end = (await until_closed(session))[-1]
            assert isinstance(end, Closed)
            assert end.reason is CloseReason.FAILURE
            assert "the session was another model's" in end.detail
            assert end.detail.endswith("the same model and --context")
            again = await runtime.open(SessionOptions("b", threshold=1.0))
            assert len(of(Decision, await heard(again, SOUND))) == len(SOUND)
