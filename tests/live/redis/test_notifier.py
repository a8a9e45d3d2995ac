"""Sessions with news are found at once, and without notices soon after."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from interject.model_runtime.protocol import Decision, SessionOptions
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.keys import DEFAULT_TENANT, Keys
from interject.model_runtime.redis.notifier import SILENT_S, NoticeReader, names_in, notify
from tests.fakes.clock import FakeClock
from tests.live.conftest import hired
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from interject.model_runtime.redis.connection import RedisClient
    from tests.live.redis.server import RedisServer

LAST_ID = f"{2**64 - 1}-{2**64 - 1}"

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]


async def told(reader: NoticeReader, client: RedisClient, *streams: str) -> set[tuple[str, str]]:
    found = await reader.follow(client, streams)
    return {(owner, name) for owner, fields in found for name in names_in(fields)}


async def test_who_follows_hears_of_whom_was_told(redis_server: RedisServer) -> None:
    address = Address.parse(redis_server.url)
    async with aclosing(address.client()) as near, aclosing(address.client()) as far:
        reader = NoticeReader(wait_s=30.0)
        hearing = asyncio.create_task(told(reader, near, "news:x", "news:y"))
        await somebody_waits(far)
        await far.ask(notify("news:x", ["a", "b"]))
        assert await hearing == {("x", "a"), ("x", "b")}
        await far.exchange([notify("news:x", ["c"]), notify("news:y", ["a"])])
        assert await told(reader, near, "news:x", "news:y") == {("x", "c"), ("y", "a")}


async def somebody_waits(client: Redis) -> None:
    for _ in range(2_000):
        if (await client.info("clients"))["blocked_clients"]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


async def test_nobody_is_told_of(redis_server: RedisServer) -> None:
    async with aclosing(Address.parse(redis_server.url).client()) as client:
        assert await told(NoticeReader(wait_s=0.05), client, "news:x") == set()


async def test_a_stream_that_began_again_with_lower_ids_is_heard(redis_server: RedisServer) -> None:
    """As in a Redis that forgot everything and whose clock is behind."""
    clock = FakeClock()
    async with aclosing(Address.parse(redis_server.url).client()) as client:
        reader = NoticeReader(wait_s=0.01, trusted=True, clock=clock)
        await client.ask(("XADD", "news:x", "9999999999999-0", "k", "a"))
        assert await told(reader, client, "news:x") == {("x", "a")}
        await client.ask(("DEL", "news:x"))
        await client.ask(notify("news:x", ["b"]))
        assert await told(reader, client, "news:x") == set()
        clock.advance(2 * SILENT_S)
        assert await told(reader, client, "news:x") == {("x", "b")}
        assert await told(reader, client, "news:x") == set()


async def test_where_tenants_write_only_an_exhausted_stream_is_read_anew(
    redis_server: RedisServer,
) -> None:
    clock = FakeClock()
    async with aclosing(Address.parse(redis_server.url).client()) as client:
        reader = NoticeReader(wait_s=0.01, clock=clock)
        for entry, found in (("9999999999999-0", set()), (LAST_ID, {("x", "b")})):
            await client.ask(("XADD", "news:x", entry, "k", "a"))
            assert await told(reader, client, "news:x") == {("x", "a")}
            await client.ask(("DEL", "news:x"))
            await client.ask(notify("news:x", ["b"]))
            clock.advance(2 * SILENT_S)
            assert await told(reader, client, "news:x") == found
            await client.ask(("DEL", "news:x"))


async def test_missed_notices_delay_and_lose_nothing(redis_server: RedisServer) -> None:
    async with (
        hired(redis_server.url),
        RedisRuntime(redis_server.url) as runtime,
        Redis.from_url(redis_server.url) as other,
    ):
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        stream = session.events()
        for frame in frames(noise(2.0)):
            await session.push(frame)
            notices = await other.keys(Keys("0").notices(DEFAULT_TENANT, "*"))
            await other.delete(Keys("0").news(DEFAULT_TENANT), *notices)
            event = await anext(stream)
            assert isinstance(event, Decision)
            assert event.seq == frame.seq
        await session.close()
