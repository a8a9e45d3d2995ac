"""Shards on the nodes of a real Redis Cluster, whose nodes die and hand slots over."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis

from interject.model_runtime.protocol import (
    Decision,
    RuntimeBusy,
    RuntimeFailure,
    SessionOptions,
)
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.keys import DEFAULT_TENANT, Keys, session_name
from interject.model_runtime.redis.streams import entries, entry_order
from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.redis.worker.worker import Worker
from tests.contract.runtime_contract import RuntimeContract, heard, of
from tests.live.conftest import hired
from tests.live.redis.client_session import ClientSession, options, undisturbed
from tests.live.redis.cluster import RedisCluster
from tests.live.redis.membership_wait import watched
from tests.live.redis.worker_process import WorkerProcess
from tests.model_runtime.engine.engine_room import outline
from tests.model_runtime.worlds import frames, noise, small_model
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(600)]

NAME = session_name(DEFAULT_TENANT, "a", secret="")
SOUND = frames(noise(20.0, seed=3))
STEADY = Timings(worker_lease_s=30, client_lease_s=30)
"""Where nobody dies, a slow machine must not look like it."""
PATIENT = Timings(lost_s=60)

LOSE_TWO_WRITES = """
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 3)
redis.call('XDEL', KEYS[1], newest[1][1], newest[2][1])
redis.call('XSETID', KEYS[1], newest[3][1])
redis.call('HSET', KEYS[2], 'number', string.match(newest[3][1], '-(%d+)'))
redis.call('HINCRBY', KEYS[2], 'written', -2)
"""


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """A cluster that no test disturbs."""
    yield from started(RedisCluster(tmp_path_factory.mktemp("cluster")))


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    yield from started(RedisCluster(tmp_path_factory.mktemp("cluster")))


@pytest.fixture
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    yield from started(RedisCluster(tmp_path_factory.mktemp("cluster"), replicas=1))


def started(cluster: RedisCluster) -> Iterator[RedisCluster]:
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()


@contextlib.contextmanager
def employed(*workers: WorkerProcess) -> Iterator[None]:
    """Workers as processes."""
    try:
        for worker in workers:
            worker.start()
        yield
    finally:
        for worker in workers:
            worker.kill()


@pytest.fixture
async def runtime(calm: RedisCluster) -> AsyncIterator[RedisRuntime]:
    async with (
        hired(calm.url("b"), name="wb", slots=1, timings=STEADY),
        hired(calm.url("d"), name="wd", slots=1, timings=STEADY),
        RedisRuntime(calm.url("b", "d")) as opened,
    ):
        yield opened


class TestCluster(RuntimeContract):
    """The contract of every runtime, over two shards on two nodes."""


async def test_sessions_spread_over_shards_until_all_are_full(calm: RedisCluster) -> None:
    async with (
        hired(calm.url("b"), name="wb", slots=2, timings=STEADY) as first,
        hired(calm.url("c"), name="wc", slots=2, timings=STEADY) as second,
        RedisRuntime(calm.url("b", "c", "d")) as runtime,
    ):
        sessions = [await runtime.open(SessionOptions(f"s{n}", threshold=1.0)) for n in range(4)]
        assert (first.session_count, second.session_count) == (2, 2)
        assert await runtime.free_slots() == 0
        with pytest.raises(RuntimeBusy):
            await runtime.open(SessionOptions("s4"))
        events = await asyncio.gather(*(heard(s, frames(noise(2.0))) for s in sessions))
    assert [len(of(Decision, of_one)) for of_one in events] == [5] * 4


async def test_a_session_is_found_on_whichever_shard_it_is(calm: RedisCluster) -> None:
    async with (
        hired(calm.url("b"), name="wb", slots=4, timings=STEADY),
        hired(calm.url("c"), name="wc", slots=1, timings=STEADY),
        RedisRuntime(calm.url("c")) as one,
        RedisRuntime(calm.url("b", "c"), timings=STEADY) as other,
    ):
        session = await one.open(SessionOptions("a", threshold=1.0))
        with pytest.raises(RuntimeFailure, match="open already, in another client"):
            await other.open(SessionOptions("a"))
        assert len(of(Decision, await heard(session, frames(noise(0.8))))) == 2


async def test_a_cluster_is_to_be_named_as_one(calm: RedisCluster) -> None:
    url = f"redis://127.0.0.1:{calm.masters[0].port}/0"
    async with RedisRuntime(url) as runtime:
        with pytest.raises(RuntimeFailure, match=r"this is a cluster; add \?cluster=1 to the URL"):
            await runtime.open(SessionOptions("a"))


def test_a_worker_serves_one_shard() -> None:
    with pytest.raises(RuntimeFailure, match="a worker serves one shard"):
        Worker("redis://127.0.0.1/0?shards=a,b", small_model(), name="w")


async def test_workers_are_killed_in_turn(calm: RedisCluster) -> None:
    workers = [WorkerProcess(calm.url("d"), name) for name in ("w1", "w2")]
    with employed(*workers):
        async with RedisRuntime(calm.url("d")) as runtime:
            talk = ClientSession(await runtime.open(options("a")), SOUND)
            for number, first in enumerate(range(0, 30, 10)):
                victim = workers[number % 2]
                victim.kill()
                await talk.push(first, first + 10)
                await asyncio.to_thread(victim.start)
            await talk.push(30, 50)
            events = await talk.finish()
    assert outline(events) == undisturbed("a", SOUND)


async def test_a_killed_worker_is_missed_on_the_node_that_a_shard_was_moved_to(
    cluster: RedisCluster,
) -> None:
    """The lease is no help: it lasts an hour."""
    url, endless = cluster.url("b"), Timings(worker_lease_s=3600)
    victim = WorkerProcess(url, "w1", lease_s=3600)
    with employed(victim):
        async with RedisRuntime(url, timings=PATIENT) as runtime:
            talk = ClientSession(await runtime.open(options("a")), SOUND)
            async with hired(url, name="w2", timings=endless, context=256) as heir:
                await talk.push(0, 5)
                here, there = cluster.masters[0], cluster.masters[2]
                await asyncio.to_thread(cluster.move, "b", here, there)
                await talk.push(5, 10)
                await until(lambda: heir._liveness.term == 2)
                await watched(heir, "w1")
                victim.kill()
                await talk.push(10, 20)
                assert heir.session_count == 1
                events = await talk.finish()
    assert outline(events) == undisturbed("a", SOUND[:20])


async def test_the_node_of_a_shard_is_killed_and_started_again(cluster: RedisCluster) -> None:
    node = cluster.home("b").server
    async with (
        hired(cluster.url("b"), name="wb", context=256),
        hired(cluster.url("d"), name="wd", context=256),
        RedisRuntime(cluster.url("b", "d"), timings=PATIENT) as runtime,
    ):
        talks = [ClientSession(await runtime.open(options(name)), SOUND) for name in ("a", "b")]
        for first in (0, 20):
            await asyncio.gather(*(talk.push(first, first + 10) for talk in talks))
            node.kill()
            await asyncio.gather(*(talk.session.push(SOUND[first + 10]) for talk in talks))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(node.start)
            await asyncio.gather(*(talk.push(first + 11, first + 20) for talk in talks))
        await asyncio.gather(*(talk.push(40, 50) for talk in talks))
        heard_by = [await talk.finish() for talk in talks]
    assert [outline(events) for events in heard_by] == [
        undisturbed(name, SOUND) for name in ("a", "b")
    ]


async def test_a_shard_that_does_not_answer_is_left_out(cluster: RedisCluster) -> None:
    cluster.home("b").server.kill()
    async with (
        hired(cluster.url("c"), name="wc", slots=2, timings=STEADY) as worker,
        RedisRuntime(cluster.url("b", "c")) as runtime,
    ):
        sessions = [await runtime.open(SessionOptions(name, threshold=1.0)) for name in "xy"]
        assert worker.session_count == 2
        with pytest.raises(RuntimeBusy):
            await runtime.open(SessionOptions("z"))
        events = await asyncio.gather(*(heard(s, frames(noise(2.0))) for s in sessions))
    assert [len(of(Decision, of_one)) for of_one in events] == [5, 5]


async def test_a_replica_takes_over(replicated: RedisCluster) -> None:
    """It lacks what its master had not yet told it."""
    async with (
        hired(replicated.url("b"), name="w1", context=256),
        hired(replicated.url("b"), name="w2", context=256),
        RedisRuntime(replicated.url("b"), timings=PATIENT) as runtime,
    ):
        talk = ClientSession(await runtime.open(options("a")), SOUND)
        await talk.push(0, 20)
        replicated.home("b").server.kill()
        await talk.push(20, 50)
        events = await talk.finish()
    assert outline(events) == undisturbed("a", SOUND)


async def test_what_a_new_master_lacks_is_written_again(redis_server: RedisServer) -> None:
    keys = Keys("0")
    output, state = keys.output(NAME), keys.session(NAME)
    async with (
        hired(redis_server.url, context=256),
        RedisRuntime(redis_server.url) as runtime,
        Redis.from_url(redis_server.url) as other,
    ):
        talk = ClientSession(await runtime.open(options("a")), SOUND)
        await talk.push(0, 20)
        lose: Any = other.eval(LOSE_TWO_WRITES, 2, output, state)
        await lose
        await talk.push(20, 50)
        left: Any = await other.xrange(output)
        events = await talk.finish()
    assert outline(events) == undisturbed("a", SOUND)
    numbers = [entry_order(name)[1] for name, _ in entries(left)]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_a_slot_is_moved_to_another_node_and_back(cluster: RedisCluster) -> None:
    """Who opens a session meanwhile waits, for the slot and for workers whose leases lapsed."""
    here, there = cluster.masters[0], cluster.masters[2]
    async with (
        hired(cluster.url("b"), name="wb", slots=3, context=256),
        RedisRuntime(cluster.url("b"), timings=Timings(worker_lease_s=10, lost_s=60)) as runtime,
    ):
        talks = [ClientSession(await runtime.open(options(name)), SOUND) for name in ("a", "b")]
        for first, (source, target) in ((0, (here, there)), (25, (there, here))):
            await asyncio.gather(*(talk.push(first, first + 5) for talk in talks))
            moving = asyncio.create_task(asyncio.to_thread(cluster.move, "b", source, target))
            opening = asyncio.create_task(runtime.open(SessionOptions("c", threshold=1.0)))
            await asyncio.gather(*(talk.push(first + 5, first + 15) for talk in talks))
            await moving
            assert len(of(Decision, await heard(await opening, SOUND[:5]))) == 5
            await asyncio.gather(*(talk.push(first + 15, first + 25) for talk in talks))
        heard_by = [await talk.finish() for talk in talks]
    assert [outline(events) for events in heard_by] == [
        undisturbed(name, SOUND) for name in ("a", "b")
    ]
