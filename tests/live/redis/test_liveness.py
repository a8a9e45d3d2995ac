"""Who is dead is noticed by the end of a connection, long before a lease ends; nobody else is."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.timings import Timings
from tests.live.conftest import hired
from tests.live.redis.client_session import ClientSession, options, undisturbed
from tests.live.redis.membership_wait import watched
from tests.live.redis.proxy import Proxy
from tests.live.redis.worker_process import WorkerProcess
from tests.model_runtime.engine.engine_room import outline
from tests.model_runtime.worlds import frames, noise
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.model_runtime.redis.worker.worker import Worker
    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

SOUND = frames(noise(12.0, seed=3))
HOUR_S = 3600.0
"""A lease that never ends, as far as a test is concerned."""
ENDLESS = Timings(worker_lease_s=HOUR_S)


@contextlib.contextmanager
def doomed(url: str, name: str = "w1") -> Iterator[WorkerProcess]:
    """A worker in a process of its own."""
    worker = WorkerProcess(url, name, lease_s=HOUR_S)
    try:
        worker.start()
        yield worker
    finally:
        worker.kill()


def epochs(worker: Worker) -> dict[str, int]:
    return {session.key: session.epoch for session in worker._sessions}


async def test_a_killed_worker_is_missed_at_once_and_its_name_is_free(
    redis_server: RedisServer,
) -> None:
    with doomed(redis_server.url) as victim:
        async with RedisRuntime(redis_server.url) as runtime:
            talk = ClientSession(await runtime.open(options("a")), SOUND)
            await talk.push(0, 10)
            async with hired(redis_server.url, name="w2", timings=ENDLESS, context=256) as heir:
                await watched(heir, "w1")
                victim.kill()
                await talk.push(10, 20)
                assert heir.session_count == 1
                await asyncio.to_thread(victim.start)
            await talk.push(20, 30)
            events = await talk.finish()
    assert outline(events) == undisturbed("a", SOUND)


async def test_survivors_share_what_a_killed_worker_had(redis_server: RedisServer) -> None:
    url = redis_server.url
    with doomed(url) as victim:
        async with RedisRuntime(url) as runtime:
            names = "abcd"
            talks = [ClientSession(await runtime.open(options(name)), SOUND) for name in names]
            await asyncio.gather(*(talk.push(0, 5) for talk in talks))
            async with (
                hired(url, name="w2", slots=4, timings=ENDLESS, context=256) as one,
                hired(url, name="w3", slots=4, timings=ENDLESS, context=256) as other,
            ):
                for heir in (one, other):
                    await watched(heir, "w1")
                victim.kill()
                await asyncio.gather(*(talk.push(5, 15) for talk in talks))
                assert (one.session_count, other.session_count) == (2, 2)
                told = [await talk.finish() for talk in talks]
    assert [outline(events) for events in told] == [undisturbed(name, SOUND[:15]) for name in names]


async def test_who_is_only_stopped_keeps_its_sessions_until_the_lease_ends(
    redis_server: RedisServer,
) -> None:
    with doomed(redis_server.url) as stopped:
        async with RedisRuntime(redis_server.url) as runtime:
            talk = ClientSession(await runtime.open(options("a")), SOUND)
            async with hired(redis_server.url, name="w2", timings=ENDLESS) as other:
                await watched(other, "w1")
                stopped.signal(signal.SIGSTOP)
                await talk.push_blindly(SOUND[0])
                await asyncio.sleep(1.0)
                stopped.signal(signal.SIGCONT)
                await talk.push(1, 10)
                assert other.session_count == 0
                await talk.finish()


async def test_a_redis_that_begins_anew_makes_nobody_look_dead(redis_server: RedisServer) -> None:
    url = redis_server.url
    async with (
        hired(url, name="w1", timings=ENDLESS, context=256) as one,
        hired(url, name="w2", timings=ENDLESS, context=256) as other,
        RedisRuntime(url) as runtime,
    ):
        talks = [ClientSession(await runtime.open(options(name)), SOUND) for name in "ab"]
        await asyncio.gather(*(talk.push(0, 5) for talk in talks))
        before = (epochs(one), epochs(other))
        assert [len(held) for held in before] == [1, 1]
        for first in (5, 10, 15):
            await watched(one, "w2")
            await watched(other, "w1")
            redis_server.kill()
            await asyncio.to_thread(redis_server.start)
            await asyncio.gather(*(talk.push(first, first + 5) for talk in talks))
        assert (epochs(one), epochs(other)) == before
        told = [await talk.finish() for talk in talks]
    assert [outline(events) for events in told] == [undisturbed(n, SOUND[:20]) for n in "ab"]


async def test_who_is_cut_off_is_fenced_and_the_session_goes_on(redis_server: RedisServer) -> None:
    async with (
        Proxy(redis_server.port) as proxy,
        hired(proxy.url, name="w1", timings=ENDLESS, context=256) as lost,
        RedisRuntime(redis_server.url) as runtime,
    ):
        talk = ClientSession(await runtime.open(options("a")), SOUND)
        async with hired(redis_server.url, name="w2", timings=ENDLESS, context=256) as heir:
            await watched(heir, "w1")
            proxy.cut()
            await talk.push(0, 10)
            assert heir.session_count == 1
            proxy.heal()
            await until(lambda: lost.session_count == 0)
            await talk.push(10, 15)
            assert heir.session_count == 1
        await talk.push(15, 20)
        assert lost.session_count == 1
        events = await talk.finish()
    assert outline(events) == undisturbed("a", SOUND[:20])


async def test_who_loses_only_its_subscription_subscribes_again(redis_server: RedisServer) -> None:
    slow = Timings(worker_lease_s=HOUR_S, look_s=2.0)
    async with (
        hired(redis_server.url, name="w1", timings=slow) as one,
        RedisRuntime(redis_server.url) as runtime,
        Redis.from_url(redis_server.url) as admin,
    ):
        talk = ClientSession(await runtime.open(options("a")), SOUND)
        await until(lambda: one._liveness.term == 1)
        (client,) = await admin.client_list(_type="pubsub")
        async with hired(redis_server.url, name="w2", timings=slow) as other:
            await watched(other, "w1")
            await admin.client_kill_filter(_id=client["id"])
            await until(lambda: one._liveness.term == 2)
            await asyncio.sleep(3 * slow.look_s)
            await talk.push(0, 5)
            assert (one.session_count, other.session_count) == (1, 0)
        await talk.finish()
