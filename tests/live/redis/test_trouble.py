"""A Redis that cannot be used, and input that nobody should send."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis

from interject.model_runtime import open_runtime
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Gap,
    RuntimeFailure,
    SessionOptions,
)
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.keys import DEFAULT_TENANT, Keys, session_name
from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.redis.worker.worker import Worker
from tests.contract.runtime_contract import heard, of, until_closed
from tests.live.conftest import hired
from tests.live.redis.server import RedisServer, free_port
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


NAME = session_name(DEFAULT_TENANT, "a", secret="")


async def refusal(url: str) -> str:
    """Why a session cannot be opened there."""
    with pytest.raises(RuntimeFailure) as caught:
        async with RedisRuntime(url) as runtime:
            await runtime.open(SessionOptions("a"))
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    return str(caught.value)


async def test_nobody_is_there() -> None:
    assert "no Redis answers there" in await refusal(f"redis://u:secret@127.0.0.1:{free_port()}/0")


async def test_urls_that_name_no_redis() -> None:
    for url in ("redis://127.0.0.1:port/0", "redis://127.0.0.1:1/0?shard=a{b"):
        with pytest.raises(RuntimeFailure):
            open_runtime(url)


async def test_tls_is_spoken_to_a_redis_without(redis_server: RedisServer) -> None:
    assert "no Redis answers there" in await refusal(redis_server.url.replace("redis:", "rediss:"))


async def test_passwords(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, "requirepass right")
    server.start()
    try:
        assert "a password is needed" in await refusal(server.url)
        wrong = server.url.replace("//", "//u:secret@")
        assert "user or password is wrong" in await refusal(wrong)
        right = server.url.replace("//", "//:right@")
        unserved = await refusal(right)
        assert "no worker serves redis://127.0.0.1" in unserved
        assert "interject worker --redis URL?tenants=default --model" in unserved
    finally:
        server.kill()


async def test_an_old_redis_is_named() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (await reader.read(4096)).find(b"HELLO") < 0:
            writer.write(b"+OK\r\n")
        writer.write(b"*4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n6.2.14\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        message = await refusal(f"redis://127.0.0.1:{port}/0")
    assert "Redis 6.2.14 is too old; 7.0 or newer is needed" in message


async def test_a_worker_waits_for_its_redis(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    timings = Timings(start_s=120)
    worker = Worker(server.url, small_model(), name="w1", slots=1, timings=timings)
    stop, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(worker.run(stop, ready.set))
        await asyncio.sleep(0.3)
        assert not running.done()
        await asyncio.to_thread(server.start)
        try:
            async with asyncio.timeout(120):
                await ready.wait()
        finally:
            stop.set()
            await running
            server.kill()


async def test_a_worker_does_not_wait_for_what_will_not_change(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, "requirepass right")
    server.start()
    url = server.url.replace("//", "//u:secret@")
    try:
        worker = Worker(url, small_model(), name="w1", slots=1, timings=Timings(start_s=3_600))
        with pytest.raises(RuntimeFailure, match="user or password is wrong"):
            await worker.run(asyncio.Event())
    finally:
        server.kill()


async def test_a_worker_that_refuses_the_prompt_says_why(redis_server: RedisServer) -> None:
    async with hired(redis_server.url), RedisRuntime(redis_server.url) as runtime:
        with pytest.raises(RuntimeFailure, match="token id 999999 is outside"):
            await runtime.open(SessionOptions("a", prompt_ids=(999_999,)))
        session = await runtime.open(SessionOptions("b", threshold=1.0))
        assert len(of(Decision, await heard(session, frames(noise(0.8))))) == 2


async def test_garbage_is_counted_and_the_session_goes_on(redis_server: RedisServer) -> None:
    keys = Keys("0")
    garbage: list[dict[Any, Any]] = [
        {b"x": b"\xff"},
        {b"v": b"2", b"k": b"frame", b"p": b"\0" * 8_000_000},
        {b"v": b"9", b"k": b"finish", b"d": b"{}"},
        {b"v": b"2", b"k": b"say", b"d": b"[]"},
    ]
    async with (
        hired(redis_server.url) as worker,
        RedisRuntime(redis_server.url) as runtime,
        Redis.from_url(redis_server.url) as other,
    ):
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        for number, fields in enumerate(garbage):
            stream = keys.input(NAME)
            await other.xadd(stream, fields, id=f"0-{number + 2}")
        events = await heard(session, frames(noise(2.0)))
        assert worker.refused_entries == len(garbage)
    assert [d.seq for d in of(Decision, events)] == list(range(5))
    assert of(Gap, events) == []


async def test_a_full_redis_holds_frames_up_and_then_they_are_decided(
    redis_server: RedisServer,
) -> None:
    async with (
        hired(redis_server.url),
        RedisRuntime(redis_server.url) as runtime,
        Redis.from_url(redis_server.url) as other,
    ):
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        sound = frames(noise(4.0))
        await session.push(sound[0])
        stream = session.events()
        assert isinstance(await anext(stream), Decision)
        await other.config_set("maxmemory", "1")
        for frame in sound[1:]:
            await session.push(frame)
        await asyncio.sleep(0.3)
        await other.config_set("maxmemory", "0")
        await session.finish()
        events = await until_closed(session)
    assert [d.seq for d in of(Decision, events)] == list(range(1, 10))
    assert events[-1] == Closed("a", CloseReason.CLIENT)


async def test_nothing_is_left_when_nothing_is_to_be_retained(redis_server: RedisServer) -> None:
    async with (
        hired(redis_server.url, timings=Timings(retention_s=0)),
        RedisRuntime(redis_server.url) as runtime,
        Redis.from_url(redis_server.url) as other,
    ):
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        await heard(session, frames(noise(2.0)))
        names: list[Any] = list(await other.keys("*" + NAME))
        left = {name.decode().split(":")[3] for name in names}
        assert left == {"session", "out"}
        for kind in left:
            assert 0 < await other.pttl(f"interject:2:{{0}}:{kind}:{NAME}") <= 10_000


async def test_many_sessions_are_opened_at_once(redis_server: RedisServer) -> None:
    async with hired(redis_server.url, slots=12), RedisRuntime(redis_server.url) as runtime:
        opening = [runtime.open(SessionOptions(f"s{n}", threshold=1.0)) for n in range(12)]
        sessions = await asyncio.gather(*opening)
        all_events = await asyncio.gather(
            *(heard(session, frames(noise(2.0))) for session in sessions)
        )
    assert [len(of(Decision, events)) for events in all_events] == [5] * 12
