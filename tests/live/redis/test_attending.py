"""What has to be done for all sessions now and then is done for a few at a time."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.protocol import SessionOptions
from interject.model_runtime.redis import scripts
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.heartbeat import CALM_BEATS, SESSIONS_AT_ONCE
from interject.model_runtime.redis.client.session import DEFAULT_GRACE_MS, RedisSession
from interject.model_runtime.redis.client.shard import Shard
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.redis.worker.membership import Lease

if TYPE_CHECKING:
    from interject.model_runtime.redis.connection import RedisClient
    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

KEYS = Keys("0")
TOKEN = "ab" * 16
BEAT_S = 0.5


def joined(shard: Shard, key: str) -> None:
    shard.sessions[key] = RedisSession(
        SessionOptions(key), key,
        generation=1, read_to="0-0", resumes_at=0, answer_s=1.0, wake=lambda: None,
    )  # fmt: skip


async def test_a_client_attends_to_all_sessions_in_turn_but_never_to_all_at_once(
    redis_server: RedisServer, client: RedisClient
) -> None:
    keys = [f"default.{number}" for number in range(5 * SESSIONS_AT_ONCE)]
    grace = "PX", DEFAULT_GRACE_MS
    await client.transact([("SET", KEYS.client(key), "", *grace) for key in keys])
    shard = Shard(Address.parse(redis_server.url), "0", token=TOKEN, timings=Timings(beat_s=BEAT_S))
    for key in keys:
        joined(shard, key)
    await shard.start()
    try:
        await asyncio.sleep(5 * BEAT_S)
        left_ms = await client.exchange([("PTTL", KEYS.client(key)) for key in keys])
    finally:
        await shard.stop()
    seen = sorted(int(left) for left in left_ms)
    assert seen[-1] - seen[0] < 2_000 * CALM_BEATS * BEAT_S
    groups = 1 + sum(later - at > 20 for at, later in pairwise(seen))
    assert groups >= 4


async def test_a_worker_looks_for_the_clients_of_those_that_it_visits(client: RedisClient) -> None:
    for key in ("a", "b", "c"):
        await client.ask(("HSET", KEYS.session(key), "state", "open"))
    await client.ask(("SET", KEYS.client("b"), ""))
    lease = Lease(KEYS, name="w", slots=3, tenants=("x",), timings=Timings())
    assert (await lease.renew(client)).lonely == ()
    assert (await lease.renew(client, ["c", "unknown", "a", "b"])).lonely == ("c", "a")
    assert 0 < await client.pttl(KEYS.client("b")) <= DEFAULT_GRACE_MS


async def test_tenants_are_those_that_any_worker_was_told_of(client: RedisClient) -> None:
    timings = Timings()
    one = Lease(KEYS, name="w1", slots=3, tenants=("x",), timings=timings)
    other = Lease(KEYS, name="w2", slots=3, tenants=("y",), timings=timings)
    await one.renew(client)
    await other.renew(client)
    assert (await one.renew(client)).tenants == ("x", "y")
    await client.srem(KEYS.tenants, "y")
    assert (await other.renew(client)).tenants == ("x",)
    await client.sadd(KEYS.tenants, "z")
    await one.renew(client)
    await client.flushall()
    assert (await one.renew(client)).tenants == ("x", "z")


async def test_a_session_that_was_brought_back_is_nobodys_until_a_client_attends(
    client: RedisClient,
) -> None:
    """As docs/protocol.md has it: the key holds nothing, and who writes it is the client."""
    given = (KEYS.prefix, "default.0", "w:1", 7, b"{}", 3, DEFAULT_GRACE_MS)
    verdict = await scripts.run(client, Script.RECLAIM, [KEYS.session("default.0")], *given)
    assert verdict == b"restored"
    attending = ("SET", KEYS.client("default.0"), f"{TOKEN} 3 0-0", "XX", "GET", "PX", 1_000)
    assert await client.ask(attending) == b""
    assert await client.ask(attending) == f"{TOKEN} 3 0-0".encode()
