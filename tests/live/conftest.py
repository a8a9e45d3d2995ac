"""Servers for the live tests, started and stopped by them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.redis.worker import Worker
from tests.live.redis_server import RedisServer
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from interject.model_runtime.redis.timings import Timings

    Hire = Callable[..., AbstractAsyncContextManager[Worker]]


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@contextlib.asynccontextmanager
async def hired(
    url: str,
    *,
    name: str = "w1",
    slots: int = 2,
    timings: Timings | None = None,
    context: int = 512,
) -> AsyncIterator[Worker]:
    """A worker in this process, drained at the end."""
    worker = Worker(url, small_model(context), name=name, slots=slots, timings=timings)
    stop, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(stop, ready.set), name="worker")
        await ready.wait()
        yield worker
        stop.set()
