"""A fleet all of whose workers stand still ends no session; workers that hang or die for it do."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, cast

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
from tests.contract.runtime_contract import heard, of, until_closed
from tests.live.redis.client_session import ClientSession, options, undisturbed
from tests.live.redis.worker_process import WorkerProcess
from tests.model_runtime.engine.engine_room import outline
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.redis.connection import RedisClient
    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

KEYS = Keys("0")
NAMES = ("w1", "w2", "w3", "w4")
SOUND = frames(noise(8.0, seed=3))
STANDSTILL_S = 2.5
PATIENCE_S = 60.0
DEADLY = 255


@contextlib.asynccontextmanager
async def fleet(url: str) -> AsyncIterator[dict[str, WorkerProcess]]:
    workers = {name: WorkerProcess(url, name, deadly_token=DEADLY) for name in NAMES}
    try:
        await asyncio.gather(*(asyncio.to_thread(w.start) for w in workers.values()))
        yield workers
    finally:
        for worker in workers.values():
            worker.kill()


async def holder(client: RedisClient, key: str, *, lost: int) -> str:
    """The name of the worker that has a session, once so many workers have lost it."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = cast("dict[bytes, bytes]", await client.hgetall(KEYS.session(key)))
            losses = found.get(b"lost_epochs", b"").split()
            assert found[b"state"] == b"open", f"it was closed after {losses}"
            token = found[b"worker"].decode()
            taken = await client.lpos(KEYS.todo(token), key) is None
            if len(losses) >= lost and (taken or lost > 2):
                return token.partition(":")[0]
            await asyncio.sleep(0.01)


async def stop_in_turn(client: RedisClient, workers: dict[str, WorkerProcess], key: str) -> str:
    """Three workers, each as soon as it has the session; the name of the one that has it last."""
    for lost in range(3):
        workers[await holder(client, key, lost=lost)].signal(signal.SIGSTOP)
    return await holder(client, key, lost=3)


async def test_a_fleet_that_stands_still_ends_no_session_but_hung_workers_do(
    redis_server: RedisServer, client: RedisClient
) -> None:
    key = session_name(DEFAULT_TENANT, "a", secret="")
    async with fleet(redis_server.url) as workers, RedisRuntime(redis_server.url) as runtime:
        talk = ClientSession(await runtime.open(options("a")), SOUND)
        await talk.push(0, 5)
        last = await stop_in_turn(client, workers, key)
        await asyncio.sleep(0.5)
        assert await holder(client, key, lost=3) == last
        workers[last].signal(signal.SIGSTOP)
        await asyncio.sleep(STANDSTILL_S)
        for worker in workers.values():
            worker.signal(signal.SIGCONT)
        await talk.push(5, len(SOUND))
        events = await talk.finish()
        assert outline(events) == undisturbed("a", SOUND)

        hung = await runtime.open(SessionOptions("b", threshold=1.0))
        await stop_in_turn(client, workers, session_name(DEFAULT_TENANT, "b", secret=""))
        async with asyncio.timeout(PATIENCE_S):
            (end,) = of(Closed, await until_closed(hung))
        assert end.reason is CloseReason.FAILURE
        assert end.detail == "2 workers that took it over lost their leases"


async def test_a_session_that_kills_its_workers_waits_for_none_of_them(
    redis_server: RedisServer, client: RedisClient
) -> None:
    key = session_name(DEFAULT_TENANT, "bad", secret="")
    async with fleet(redis_server.url) as workers, RedisRuntime(redis_server.url) as runtime:
        good = await runtime.open(SessionOptions("good", threshold=1.0))
        with pytest.raises(RuntimeFailure, match="2 workers that took it over lost"):
            await runtime.open(SessionOptions("bad", prompt_ids=(1, DEADLY, 2)))
        lost = (await client.hget(KEYS.session(key), "lost_epochs") or b"").split()
        assert [loss[-1:] for loss in lost] == [b"!"] * 3
        assert len(of(Decision, await heard(good, SOUND[:5]))) == 5
        assert sum(worker.runs for worker in workers.values()) == 1
