"""Servers for the live tests, started and stopped by them."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import pytest
import torch

from interject.model_runtime.local.process import ServerProcess
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.worker.worker import Worker
from tests.live.livekit.server import PROGRAM, LiveKitServer
from tests.live.redis.server import RedisServer
from tests.model_runtime.worlds import small_model

# Small matrices are faster on one thread, and tests share the machine.
torch.set_num_threads(1)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.timings import Timings

    Hire = Callable[..., AbstractAsyncContextManager[Worker]]


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[RedisClient]:
    """Of that Redis, which is empty."""
    async with contextlib.aclosing(Address.parse(redis_server.url).client()) as client:
        await client.flushall()
        yield client


def _need_livekit() -> None:
    if not PROGRAM.exists():
        missing = "no LiveKit server was built: run scripts/livekit_server.sh (it needs Go 1.26)"
        if os.environ.get("INTERJECT_REQUIRE_LIVE") == "1":
            pytest.fail(missing)
        pytest.skip(missing)


@pytest.fixture
def livekit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    _need_livekit()
    server = LiveKitServer(tmp_path_factory.mktemp("livekit"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def shared_livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """One server for a module whose tests use rooms of their own, and never stop it."""
    _need_livekit()
    server = LiveKitServer(tmp_path_factory.mktemp("livekit"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def nano_url() -> Iterator[str]:
    """The model in a process that a module's tests share."""
    with ServerProcess("nano", slots=4) as process:
        yield process.url


@contextlib.asynccontextmanager
async def hired(
    url: str,
    *,
    name: str = "w1",
    slots: int = 2,
    timings: Timings | None = None,
    context: int = 512,
    seed: int = 2,
) -> AsyncIterator[Worker]:
    """A worker in this process, drained at the end."""
    worker = Worker(url, small_model(context, seed), name=name, slots=slots, timings=timings)
    stop, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(stop, ready.set), name="worker")
        await ready.wait()
        yield worker
        stop.set()
