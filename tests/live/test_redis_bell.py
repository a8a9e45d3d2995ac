"""Sessions with news are found at once, and without a bell soon after."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from interject.model_runtime.protocol import Decision, SessionOptions
from interject.model_runtime.redis.bell import Bell
from interject.model_runtime.redis.connection import Address
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.runtime import RedisRuntime
from tests.live.conftest import hired
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from tests.live.redis_server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]


async def test_who_listens_hears_whom_was_rung_for(redis_server: RedisServer) -> None:
    address = Address.parse(redis_server.url)
    async with aclosing(address.client()) as near, aclosing(address.client()) as far:
        listening, ringing = Bell("bell", wait_s=30.0), Bell("bell", wait_s=30.0)
        hearing = asyncio.create_task(listening.listen(near))
        await somebody_waits(far)
        await far.ask(ringing.ring(["a", "b"]))
        assert await hearing == {"a", "b"}
        await far.exchange([ringing.ring([key]) for key in ("c", "a")])
        assert await listening.listen(near) == {"a", "c"}


async def somebody_waits(client: Redis) -> None:
    for _ in range(2_000):
        if (await client.info("clients"))["blocked_clients"]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


async def test_nobody_is_rung_for(redis_server: RedisServer) -> None:
    async with aclosing(Address.parse(redis_server.url).client()) as client:
        assert await Bell("bell", wait_s=0.05).listen(client) == set()


async def test_missed_rings_delay_and_lose_nothing(redis_server: RedisServer) -> None:
    async with (
        hired(redis_server.url),
        RedisRuntime(redis_server.url) as runtime,
        Redis.from_url(redis_server.url) as other,
    ):
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        stream = session.events()
        for frame in frames(noise(2.0)):
            await session.push(frame)
            for bell in (Keys("0").input_bell, Keys("0").output_bell):
                await other.delete(bell)
            event = await anext(stream)
            assert isinstance(event, Decision)
            assert event.seq == frame.seq
        await session.close()
