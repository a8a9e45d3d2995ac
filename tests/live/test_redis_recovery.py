"""Processes are killed in the middle of a session; what the client sees is one session."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Gap,
    RuntimeBusy,
    RuntimeFailure,
    SessionOptions,
)
from interject.model_runtime.redis.runtime import RedisRuntime
from interject.model_runtime.redis.timings import Timings
from tests.contract.runtime_contract import of, until_closed
from tests.live.conftest import hired
from tests.live.talk import Talk, options, undisturbed
from tests.live.worker_process import WorkerProcess
from tests.model_runtime.test_engine import outline
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.redis_server import RedisServer

logger = logging.getLogger(__name__)
pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

SOUND = frames(noise(20.0, seed=3))


@pytest.fixture
def workers(redis_server: RedisServer) -> Iterator[list[WorkerProcess]]:
    pair = [WorkerProcess(redis_server.url, name) for name in ("w1", "w2")]
    for worker in pair:
        worker.start()
    yield pair
    for worker in pair:
        worker.kill()


async def test_workers_are_killed_in_turn_and_nobody_notices(
    redis_server: RedisServer, workers: list[WorkerProcess]
) -> None:
    async with RedisRuntime(redis_server.url) as runtime:
        talk = Talk(await runtime.open(options("a")), SOUND)
        for number, first in enumerate(range(0, 50, 10)):
            victim = workers[number % 2]
            victim.signal(signal.SIGKILL)
            await talk.push(first, first + 10)
            logger.info("longest silence so far: %.2f s", talk.longest_wait_s)
            victim.wait()
            await asyncio.to_thread(victim.start)
        events = await talk.finish()
    assert outline(events) == undisturbed("a", SOUND)


async def test_a_paused_worker_comes_back_to_find_itself_fenced(
    redis_server: RedisServer, workers: list[WorkerProcess]
) -> None:
    async with RedisRuntime(redis_server.url) as runtime:
        talk = Talk(await runtime.open(options("a")), SOUND)
        for worker, first in zip(workers, (0, 20), strict=True):
            worker.signal(signal.SIGSTOP)
            await talk.push(first, first + 12)
            worker.signal(signal.SIGCONT)
            await talk.push(first + 12, first + 20)
        await talk.push(40, 50)
        events = await talk.finish()
    assert outline(events) == undisturbed("a", SOUND)


async def test_a_session_returns_to_a_worker_that_has_not_missed_it(
    redis_server: RedisServer, workers: list[WorkerProcess]
) -> None:
    async with RedisRuntime(redis_server.url) as runtime:
        talk = Talk(await runtime.open(options("a")), SOUND)
        for first in (0, 25):
            for worker, other in (workers, workers[::-1]):
                worker.signal(signal.SIGSTOP)
                await talk.push(first, first + 10)
                other.signal(signal.SIGSTOP)
                worker.signal(signal.SIGCONT)
                await talk.push(first + 10, first + 12)
                other.signal(signal.SIGCONT)
                first += 12
            await talk.push(first, first + 1)
        events = await talk.finish()
    assert outline(events) == undisturbed("a", SOUND)


async def test_a_drained_worker_hands_over_and_leaves(
    redis_server: RedisServer, workers: list[WorkerProcess]
) -> None:
    async with RedisRuntime(redis_server.url) as runtime:
        talk = Talk(await runtime.open(options("a")), SOUND)
        await talk.push(0, 10)
        for number, first in enumerate(range(10, 50, 10)):
            worker = workers[number % 2]
            worker.signal(signal.SIGTERM)
            await talk.push(first, first + 10)
            assert await asyncio.to_thread(worker.wait) == 0
            await asyncio.to_thread(worker.start)
        events = await talk.finish()
    assert outline(events) == undisturbed("a", SOUND)


async def test_redis_is_killed_and_started_again(
    redis_server: RedisServer, workers: list[WorkerProcess]
) -> None:
    async with RedisRuntime(redis_server.url) as runtime:
        talk = Talk(await runtime.open(options("a")), SOUND)
        for first in range(0, 40, 10):
            await talk.push(first, first + 10)
            redis_server.kill()
            await talk.session.push(SOUND[first + 10])
            await asyncio.sleep(0.2)
            redis_server.start()
        await talk.push(40, 50)
        workers[0].signal(signal.SIGKILL)
        events = await talk.finish()
    assert outline(events) == undisturbed("a", SOUND)


async def test_a_client_that_was_killed_resumes_within_its_grace(
    redis_server: RedisServer,
) -> None:
    timings = Timings(client_lease_s=0.4, grace_s=20)
    async with hired(redis_server.url, timings=timings):
        killed = RedisRuntime(redis_server.url, timings=timings)
        session = await killed.open(SessionOptions("a", threshold=1.0))
        for frame in SOUND[:5]:
            await session.push(frame)
        stream = session.events()
        assert [(await anext(stream)).seq for _ in range(5)] == list(range(5))  # type: ignore[union-attr]
        async with RedisRuntime(redis_server.url, timings=timings) as runtime:
            with pytest.raises(RuntimeFailure, match="open already, in another client"):
                await runtime.open(SessionOptions("a"))
            await killed._stop()
            await asyncio.sleep(0.6)
            resumed = await runtime.open(SessionOptions("a"))
            for frame in SOUND[:3]:
                await resumed.push(frame)
            await resumed.finish()
            events = await until_closed(resumed)
    assert [d.seq for d in of(Decision, events)] == [0, 1, 2]
    assert of(Gap, events) == []


async def test_a_client_that_was_killed_is_forgotten_after_its_grace(
    redis_server: RedisServer,
) -> None:
    timings = Timings(client_lease_s=0.4, grace_s=0.8)
    async with hired(redis_server.url, slots=1, timings=timings):
        killed = RedisRuntime(redis_server.url, timings=timings)
        await killed.open(SessionOptions("a"))
        await killed._stop()
        async with RedisRuntime(redis_server.url, timings=timings) as runtime:
            with pytest.raises(RuntimeBusy):
                await runtime.open(SessionOptions("b"))
            await asyncio.sleep(2.5)
            session = await runtime.open(SessionOptions("b"))
            await session.close()
            assert (await until_closed(session))[-1] == Closed("b", CloseReason.CLIENT)


async def test_two_workers_with_one_name(redis_server: RedisServer) -> None:
    async with hired(redis_server.url, name="twin"):
        with pytest.raises(ExceptionGroup) as caught:
            async with hired(redis_server.url, name="twin"):
                pass
    assert caught.group_contains(RuntimeFailure, match="a worker named twin is running already")
