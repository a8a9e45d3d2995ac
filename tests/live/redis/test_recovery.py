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
    ReplyEnded,
    ReplyStarted,
    RuntimeBusy,
    RuntimeFailure,
    SessionOptions,
)
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.timings import Timings
from tests.contract.runtime_contract import of, until_closed
from tests.live.conftest import hired
from tests.live.redis.client_session import ClientSession, options, undisturbed
from tests.live.redis.worker_process import WorkerProcess
from tests.model_runtime.engine.engine_room import outline
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.model_runtime.redis.client.session import RedisSession
    from tests.live.redis.server import RedisServer

logger = logging.getLogger(__name__)
pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

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
        talk = ClientSession(await runtime.open(options("a")), SOUND)
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
        talk = ClientSession(await runtime.open(options("a")), SOUND)
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
        talk = ClientSession(await runtime.open(options("a")), SOUND)
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
        talk = ClientSession(await runtime.open(options("a")), SOUND)
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
        talk = ClientSession(await runtime.open(options("a")), SOUND)
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


async def test_redis_and_the_worker_are_killed_together(
    redis_server: RedisServer, workers: list[WorkerProcess]
) -> None:
    """The memory is gone; the session goes on with what the client still has."""
    workers[1].kill()
    async with RedisRuntime(redis_server.url, timings=Timings(lost_s=1.0)) as runtime:
        talk = ClientSession(await runtime.open(options("a")), SOUND)
        for first in (0, 15, 30):
            await talk.push(first, first + 15)
            workers[0].kill()
            redis_server.kill()
            for frame in SOUND[first + 15 : first + 17]:
                await talk.push_blindly(frame)
            await asyncio.to_thread(redis_server.start)
            await asyncio.to_thread(workers[0].start)
            await talk.settled(first + 16)
        await talk.push(47, 50)
        events = await talk.finish()
    assert [decision.seq for decision in of(Decision, events)] == list(range(50))
    assert of(Gap, events) == []
    begun = [reply.reply_id for reply in of(ReplyStarted, events)]
    assert begun == list(range(len(begun)))
    assert [reply.reply_id for reply in of(ReplyEnded, events)] == begun
    assert events[-1] == Closed("a", CloseReason.CLIENT)


async def test_a_client_that_was_killed_resumes_within_its_grace(
    redis_server: RedisServer,
) -> None:
    async with hired(redis_server.url):
        killed = RedisRuntime(redis_server.url)
        session = await killed.open(SessionOptions("a", threshold=1.0))
        for frame in SOUND[:5]:
            await session.push(frame)
        stream = session.events()
        assert [(await anext(stream)).seq for _ in range(5)] == list(range(5))  # type: ignore[union-attr]
        patient = Timings(client_lease_s=20)
        async with RedisRuntime(redis_server.url, timings=patient) as runtime:
            with pytest.raises(RuntimeFailure, match="open already, in another client"):
                await runtime.open(SessionOptions("a"))
        await killed._stop()
        await asyncio.sleep(0.3)
        impatient = Timings(client_lease_s=0.2)
        async with RedisRuntime(redis_server.url, timings=impatient) as runtime:
            resumed = await runtime.open(SessionOptions("a"))
            for frame in SOUND[:3]:
                await resumed.push(frame)
            await resumed.finish()
            events = await until_closed(resumed)
    assert [d.seq for d in of(Decision, events)] == [0, 1, 2]
    assert of(Gap, events) == []


async def test_a_client_of_which_redis_forgot_is_not_taken_for_the_next_one(
    redis_server: RedisServer,
) -> None:
    """The worker knew nothing of it either: it had come, and not yet pushed a frame."""
    impatient = Timings(client_lease_s=0.2)
    async with hired(redis_server.url):
        for number in range(3):
            runtime = RedisRuntime(redis_server.url, timings=impatient)
            talk = ClientSession(await runtime.open(SessionOptions("a", threshold=1.0)), SOUND)
            if number == 1:
                redis_server.kill()
                await asyncio.to_thread(redis_server.start)
            await talk.push(0, 5)
            await runtime._stop()
            await asyncio.sleep(0.3)
            assert [d.seq for d in of(Decision, talk.events)] == list(range(5))
            assert of(Gap, talk.events) == []


async def test_a_client_that_was_killed_is_forgotten_after_its_grace(
    redis_server: RedisServer,
) -> None:
    async with hired(redis_server.url, slots=1, timings=Timings(grace_s=3)):
        killed = RedisRuntime(redis_server.url)
        await killed.open(SessionOptions("a"))
        async with RedisRuntime(redis_server.url) as runtime:
            with pytest.raises(RuntimeBusy):
                await runtime.open(SessionOptions("b"))
            await killed._stop()
            session = await once_free(runtime, "b")
            await session.close()
            assert (await until_closed(session))[-1] == Closed("b", CloseReason.CLIENT)


async def once_free(runtime: RedisRuntime, name: str) -> RedisSession:
    """Open a session as soon as a slot is free."""
    async with asyncio.timeout(120):
        while True:
            try:
                return await runtime.open(SessionOptions(name))
            except RuntimeBusy:
                await asyncio.sleep(0.1)


async def test_two_workers_with_one_name(redis_server: RedisServer) -> None:
    async with hired(redis_server.url, name="twin"):
        with pytest.raises(ExceptionGroup) as caught:
            async with hired(redis_server.url, name="twin"):
                pass
    assert caught.group_contains(RuntimeFailure, match="a worker named twin is running already")
