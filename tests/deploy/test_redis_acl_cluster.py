"""The shipped users in a cluster: clients find their shards without a right to look at it."""

from __future__ import annotations

import asyncio
import io
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from interject.cli.top.polling import watch
from interject.model_runtime.protocol import Decision, SessionOptions
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.redis.worker.worker import Worker
from tests.contract.runtime_contract import heard, of
from tests.deploy.guarded_redis import GuardedRedis
from tests.live.redis.cluster import until
from tests.live.redis.server import free_port
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedRedis]:
    """A cluster of one node."""
    server = GuardedRedis(
        tmp_path, "--cluster-enabled", "yes", "--cluster-port", str(free_port()),
        "--cluster-config-file", "nodes.conf",
    )  # fmt: skip
    server.start()
    try:
        with server.admin() as admin:
            admin.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            until(lambda: "cluster_state:ok" in str(admin.execute_command("CLUSTER", "INFO")))
        yield server
    finally:
        server.kill()


def url(server: GuardedRedis, role: str, shards: str) -> str:
    return f"{server.url(role)}?cluster=1&shards={shards}"


@asynccontextmanager
async def hired(server: GuardedRedis, shard: str) -> AsyncIterator[None]:
    address, timings = url(server, "worker", shard), Timings(worker_lease_s=30)
    worker = Worker(address, small_model(), name=f"w{shard}", slots=1, timings=timings)
    stop, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(stop, ready.set))
        await ready.wait()
        yield
        stop.set()


async def test_two_shards_need_no_more_than_is_allowed(guarded: GuardedRedis) -> None:
    out = io.StringIO()
    async with (
        hired(guarded, "a"),
        hired(guarded, "b"),
        RedisRuntime(url(guarded, "media", "a,b")) as runtime,
    ):
        sessions = [await runtime.open(SessionOptions(name, threshold=1.0)) for name in "xy"]
        await watch(url(guarded, "ops", "a,b"), out, every_s=1, most_sessions=10, once=True)
        events = await asyncio.gather(*(heard(s, frames(noise(2.0))) for s in sessions))
    assert [len(of(Decision, of_one)) for of_one in events] == [5, 5]
    assert guarded.denials() == []
    shown = out.getvalue().splitlines()
    assert shown[0] == "2 workers, 2 sessions, 0 free slots"
    assert [line.split()[:2] for line in shown[2:5]] == [
        ["shard", "worker"],
        ["a", "wa"],
        ["b", "wb"],
    ]
