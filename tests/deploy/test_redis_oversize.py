"""Entries so large that Redis cuts whoever reads them: their writer harms itself alone.

Smaller than an attacker's, and the limit that cuts is smaller as well.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.protocol import Decision, SessionOptions
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.worker.worker import Worker
from tests.contract.runtime_contract import heard, of
from tests.deploy.guarded_redis import GuardedRedis
from tests.model_runtime.worlds import frames, noise, small_model
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from interject.model_runtime.redis.client.session import RedisSession

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

KEYS = Keys("0")
LIMIT = "normal 8mb 0 0"
OVERSIZE = b"x" * 3_000_000
ENTRIES = 4
SOUND = frames(noise(2.0))
OPTIONS = SessionOptions("call", threshold=1.0)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedRedis]:
    server = GuardedRedis(tmp_path, "--client-output-buffer-limit", LIMIT, tenants=["acme"])
    server.start()
    yield server
    server.kill()


@contextlib.asynccontextmanager
async def worked(server: GuardedRedis, name: str, *, dies: bool = False) -> AsyncIterator[Worker]:
    """One that dies hands nothing over."""
    url = server.url("worker") + "?tenants=default,acme"
    worker = Worker(url, small_model(), name=name, slots=4)
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(worker.run(stop, ready.set))
    await ready.wait()
    try:
        yield worker
    finally:
        if dies:
            running.cancel()
        stop.set()
        await asyncio.wait([running])


def acme(server: GuardedRedis) -> str:
    return server.url("media-acme") + "?tenant=acme"


def written(server: GuardedRedis, stream: str, fields: dict[str, str], identity: str) -> None:
    """Far more than Redis answers with, in entries and in all."""
    with server.client("media-acme") as client:
        huge = {**fields, "x": OVERSIZE, "y": OVERSIZE, "z": OVERSIZE}
        for _ in range(ENTRIES):
            client.xadd(stream, {**huge}, id=identity)


async def decided(session: RedisSession) -> int:
    async with asyncio.timeout(30):
        return len(of(Decision, await heard(session, SOUND)))


async def test_oversize_news_and_inputs_stop_nobody(guarded: GuardedRedis) -> None:
    async with (
        worked(guarded, "w1") as worker,
        RedisRuntime(guarded.url("media")) as runtime,
        RedisRuntime(acme(guarded)) as hostile,
    ):
        good, bad = await runtime.open(OPTIONS), await hostile.open(OPTIONS)
        for stream, kind, identity in (
            (KEYS.news("acme"), bad.key, "*"),
            (KEYS.input(bad.key), "frame", f"{bad.generation}-*"),
        ):
            worker._sieve._wary_until = 0.0
            written(guarded, stream, {"v": "2", "k": kind}, identity)
            assert await decided(good) == len(SOUND)
            good = await runtime.open(OPTIONS)
        await until(lambda: worker.refused_entries >= ENTRIES)
        assert guarded.denials() == []


async def test_sessions_beside_one_with_oversize_inputs_are_restored(
    guarded: GuardedRedis,
) -> None:
    async with (
        RedisRuntime(guarded.url("media")) as runtime,
        RedisRuntime(acme(guarded)) as hostile,
    ):
        async with worked(guarded, "w1", dies=True) as worker:
            good, bad = await runtime.open(OPTIONS), await hostile.open(OPTIONS)
            written(guarded, KEYS.input(bad.key), {"v": "2", "k": "x"}, f"{bad.generation}-*")
            await until(lambda: worker.refused_entries >= ENTRIES)
            await good.push(SOUND[0])
            await anext(good.events())
        async with worked(guarded, "w2") as worker:
            await until(lambda: worker.session_count == 2)
            for frame in SOUND[1:]:
                await good.push(frame)
            async with asyncio.timeout(30):
                async for event in good.events():
                    if isinstance(event, Decision) and event.seq == SOUND[-1].seq:
                        break
        assert guarded.denials() == []
