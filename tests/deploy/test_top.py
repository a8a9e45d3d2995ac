"""`interject top`, as the operators' user of the shipped ACL."""

from __future__ import annotations

import asyncio
import io
import sys
from typing import TYPE_CHECKING

import pytest

from interject.cli.top.polling import watch
from interject.model_runtime.names import shown
from interject.model_runtime.protocol import RuntimeFailure, SessionOptions
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.worker.worker import Worker
from interject.model_runtime.telemetry.fleet import Fleet, read_fleet
from tests.deploy.files import ROOT
from tests.deploy.guarded_redis import GuardedRedis
from tests.live.redis.server import free_port
from tests.model_runtime.worlds import small_model
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedRedis]:
    server = GuardedRedis(tmp_path)
    server.start()
    yield server
    server.kill()


async def fleet_of(server: GuardedRedis, most_sessions: int = 10) -> Fleet:
    address = Address.parse(server.url("ops"))
    client = address.client()
    try:
        return await read_fleet(client, address.keys, most_sessions=most_sessions)
    finally:
        await client.aclose()


async def test_it_shows_workers_and_sessions_and_no_id(guarded: GuardedRedis) -> None:
    stop, ready, out = asyncio.Event(), asyncio.Event(), io.StringIO()
    worker = Worker(guarded.url("worker"), small_model(), name="w1", slots=3)
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(stop, ready.set))
        await ready.wait()
        async with RedisRuntime(guarded.url("media")) as runtime:
            for name in ("alice@example.org", "bob"):
                await runtime.open(SessionOptions(name, system_prompt="be discreet"))
            fleet = await fleet_of(guarded)
            few = await fleet_of(guarded, most_sessions=1)
            await watch(guarded.url("ops"), out, every_s=1, most_sessions=1, once=True)
        stop.set()
    assert [(w.name, w.slots, w.sessions) for w in fleet.workers] == [("w1", 3, 2)]
    assert fleet.free_slots == 1
    media = Address.parse(guarded.url("media"))
    expected = {shown(media.session_name(name)) for name in ("alice@example.org", "bob")}
    assert {session.name for session in fleet.sessions} == expected
    assert all(s.worker == "w1" and s.clients == 1 and s.silent_s < 30 for s in fleet.sessions)
    assert (len(few.sessions), few.session_count) == (1, 2)
    printed = out.getvalue()
    assert "1 workers, 2 sessions, 1 free slots" in printed
    assert "serving" in printed
    assert "and 1 more" in printed
    assert "alice" not in printed
    assert "discreet" not in printed
    assert guarded.denials() == []


async def test_an_empty_redis_has_no_workers(guarded: GuardedRedis) -> None:
    assert await fleet_of(guarded) == Fleet((), (), 0)


async def test_another_user_is_told_which_one_may(guarded: GuardedRedis) -> None:
    with guarded.admin() as admin:
        admin.sadd(Address.parse(guarded.url("media")).keys.fleet, "w1:00")
    with pytest.raises(RuntimeFailure, match="use interject-ops"):
        await watch(guarded.url("media"), io.StringIO(), every_s=1, most_sessions=1, once=True)


async def test_a_pipe_gets_each_look_as_it_comes(guarded: GuardedRedis) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "interject.cli", "top", "--redis", guarded.url("ops"),
        "--every", "0.1", cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(2):
                await process.stdout.readuntil(b"0 workers, 0 sessions, 0 free slots\n")
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--every", "0"], "look every 0.1 s at most"),
        (["--sessions", "0"], "show at least one"),
        (["--redis", "http://x"], "not a Redis URL"),
        (["--redis", f"redis://127.0.0.1:{free_port()}/0"], "no Redis answers there"),
    ],
)
async def test_bad_input_is_one_line(arguments: list[str], complaint: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "interject.cli", "top", "--once", *arguments,
        cwd=ROOT, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, errors = await process.communicate()
    text = errors.decode()
    assert process.returncode == 2, text
    assert complaint in text
    assert text.count("\n") == 1
