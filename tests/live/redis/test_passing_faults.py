"""Redis answers for a while that it cannot do it: that is waited for, and nothing is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.protocol import Closed, CloseReason, Decision, Gap, SessionOptions
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.eviction_policy import policy_of
from interject.model_runtime.redis.timings import Timings
from tests.contract.runtime_contract import heard, of
from tests.live.conftest import hired
from tests.live.redis.client_session import ClientSession
from tests.live.redis.faults import FAULTS, administered
from tests.live.redis.server import RedisServer
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

SOUND = frames(noise(8.0))
STEADY = Timings(worker_lease_s=10, client_lease_s=10)
"""Nobody dies here, and a slow machine must not look like it."""


@pytest.mark.parametrize("name", FAULTS)
async def test_it_is_waited_for_and_nothing_is_lost(
    redis_server: RedisServer, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        administered(redis_server) as admin,
        hired(redis_server.url, timings=STEADY),
        RedisRuntime(redis_server.url, timings=STEADY) as runtime,
    ):
        talk = ClientSession(await runtime.open(SessionOptions("a", threshold=1.0)), SOUND)
        await talk.push(0, 5)
        async with FAULTS[name](redis_server, admin):
            for frame in SOUND[5:10]:
                await talk.push_blindly(frame)
            await asyncio.sleep(0.7)
        await talk.push(10, len(SOUND))
        events = await talk.finish()
        assert [decision.seq for decision in of(Decision, events)] == list(range(len(SOUND)))
        assert of(Gap, events) == []
        assert events[-1] == Closed("a", CloseReason.CLIENT)
        after = await runtime.open(SessionOptions("b", threshold=1.0))
        assert len(of(Decision, await heard(after, SOUND[:3]))) == 3
    said = [record.getMessage() for record in caplog.records]
    begins = said.count("redis cannot be used; waiting for it")
    assert begins <= 2 or name in ("UNBLOCKED", "killed, no room"), "one by each side"


async def test_a_session_that_is_opened_meanwhile_waits(redis_server: RedisServer) -> None:
    async with (
        administered(redis_server) as admin,
        hired(redis_server.url, timings=STEADY),
        RedisRuntime(redis_server.url, timings=STEADY) as runtime,
    ):
        async with FAULTS["MISCONF"](redis_server, admin):
            opening = asyncio.create_task(runtime.open(SessionOptions("a", threshold=1.0)))
            await asyncio.sleep(0.3)
            assert not opening.done()
        assert len(of(Decision, await heard(await opening, SOUND[:3]))) == 3


async def test_a_shard_that_ended_is_started_again(redis_server: RedisServer) -> None:
    """Somebody took the user's rights away, and gave them back."""
    async with (
        administered(redis_server) as admin,
        hired(redis_server.url, timings=STEADY),
    ):
        await admin.ask(("ACL", "SETUSER", "u", "on", ">p", "~*", "&*", "+@all"))
        url = redis_server.url.replace("//", "//u:p@")
        async with RedisRuntime(url, timings=STEADY) as runtime:
            talk = ClientSession(await runtime.open(SessionOptions("a", threshold=1.0)), SOUND)
            await talk.push(0, 3)
            await admin.ask(("ACL", "SETUSER", "u", "-xread"))
            end = (await talk.finish())[-1]
            assert isinstance(end, Closed)
            assert end.reason is CloseReason.FAILURE
            assert "may not do that" in end.detail
            await admin.ask(("ACL", "SETUSER", "u", "+xread"))
            after = await runtime.open(SessionOptions("b", threshold=1.0))
            assert len(of(Decision, await heard(after, SOUND[:3]))) == 3


async def test_a_policy_that_deletes_sessions_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = RedisServer(tmp_path, "maxmemory-policy allkeys-lru")
    server.start()
    try:
        async with hired(server.url, timings=STEADY):
            (warning,) = [r for r in caplog.records if "noeviction" in r.getMessage()]
            assert vars(warning)["reason"] == "allkeys-lru"
        assert await policy_of(server.url) == "allkeys-lru"
    finally:
        server.kill()
