"""What clients should not send is counted and dropped; the session beside it notices nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis

from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Gap,
    GapReason,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.keys import DEFAULT_TENANT, Keys, session_name
from interject.model_runtime.redis.streams import entries
from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.remote import wire
from tests.contract.runtime_contract import heard, of, until_closed
from tests.live.conftest import hired
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.protocol import Event, Frame
    from interject.model_runtime.redis.client.session import RedisSession
    from interject.model_runtime.redis.worker.worker import Worker
    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

KEYS = Keys("0")
BAD = session_name(DEFAULT_TENANT, "bad", secret="")
SOUND = frames(noise(4.0))
UNSEEN_S = 120.0
Fields = dict[Any, Any]


class Scene:
    """A worker, a session that behaves, and one into whose stream anything may be written."""

    def __init__(self, worker: Worker, runtime: RedisRuntime, raw: Redis) -> None:
        self.worker = worker
        self._runtime = runtime
        self.raw = raw
        self._entries = 1

    async def open(self) -> None:
        self.good = await self._runtime.open(SessionOptions("good", threshold=1.0))
        self.bad = await self._runtime.open(SessionOptions("bad", threshold=1.0))

    async def write(self, *written: Fields) -> None:
        """As a client of its own would, without a library."""
        for fields in written:
            self._entries += 1
            await self.raw.xadd(KEYS.input(BAD), fields, id=f"1-{self._entries}")

    async def write_at_once(self, *written: Fields) -> None:
        pipeline = self.raw.pipeline(transaction=False)
        for fields in written:
            self._entries += 1
            pipeline.xadd(KEYS.input(BAD), fields, id=f"1-{self._entries}")
        await pipeline.execute()

    async def end(self) -> tuple[list[Event], list[Event]]:
        """What the good session and the bad one were told."""
        good = asyncio.create_task(heard(self.good, SOUND))
        await self.write(wire.encode(wire.Finish()))
        return await good, await until_closed(self.bad)


@pytest.fixture
async def scene(redis_server: RedisServer) -> AsyncIterator[Scene]:
    async with (
        hired(redis_server.url) as worker,
        RedisRuntime(redis_server.url) as runtime,
        Redis.from_url(redis_server.url) as raw,
    ):
        prepared = Scene(worker, runtime, raw)
        await prepared.open()
        yield prepared


def decided(events: list[Event]) -> list[int]:
    return [decision.seq for decision in of(Decision, events)]


def entry(frame: Frame, **changes: bytes) -> Fields:
    """A frame's fields, some of them replaced."""
    return wire.encode(frame) | {name.encode(): value for name, value in changes.items()}


def control(kind: str, data: str) -> Fields:
    """As a client writes it that checks nothing."""
    return {b"v": wire.VERSION, b"k": kind.encode(), b"d": data.encode()}


async def test_a_repeated_and_a_reordered_seq(scene: Scene) -> None:
    await scene.write(*(entry(SOUND[k]) for k in (0, 1, 1, 0, 4, 3, 2, 5)))
    good, bad = await scene.end()
    assert decided(bad) == [0, 1, 4, 5]
    assert of(Gap, bad) == [Gap("bad", 2, 2, GapReason.MISSING)]
    assert bad[-1] == Closed("bad", CloseReason.CLIENT)
    assert decided(good) == list(range(10))
    assert scene.worker.refused_entries == 0


async def test_a_seq_that_jumps_to_the_end_of_numbers(scene: Scene) -> None:
    await scene.write(entry(SOUND[0]), entry(SOUND[1], s=b"\xff\xff\xff\xff"), entry(SOUND[2]))
    good, bad = await scene.end()
    assert decided(bad) == [0, 2**32 - 1]
    assert of(Gap, bad) == [Gap("bad", 1, 2**32 - 2, GapReason.MISSING)]
    assert decided(good) == list(range(10))


async def test_fields_of_a_later_version_are_ignored(scene: Scene) -> None:
    await scene.write(*(entry(frame, later=b"x", z=b"\xff" * 500) for frame in SOUND[:3]))
    good, bad = await scene.end()
    assert decided(bad) == [0, 1, 2]
    assert decided(good) == list(range(10))
    assert scene.worker.refused_entries == 0


GARBAGE: list[Fields] = [
    {b"x": b"\xff"},
    {b"": b""},
    {b"v": b"2"},
    {b"v": b"1", b"k": b"close", b"d": b"{}"},
    {b"v": b"2", b"k": b"decision", b"d": b"{}"},
    {b"v": b"2", b"k": b"close", b"d": b"\xff\xfe"},
    {b"v": b"2", b"k": b"close", b"d": b"[" * 60_000},
    {b"v": b"2", b"k": b"say", b"d": b'{"text": 5}'},
    entry(SOUND[1], p=SOUND[1].pcm[:-2]),
    entry(SOUND[1], p=SOUND[1].pcm * 2),
    entry(SOUND[1], p=b""),
    entry(SOUND[1], s=b"\0\0\0"),
    entry(SOUND[1], t=b"\0\0\0\0\0\0\xf8\x7f"),
    entry(SOUND[1], a=b"\0"),
    entry(SOUND[1], w=b'[{"identity": 1}]'),
]


async def test_garbage_is_counted_and_dropped(scene: Scene) -> None:
    await scene.write(entry(SOUND[0]), *GARBAGE, entry(SOUND[1]))
    good, bad = await scene.end()
    assert decided(bad) == [0, 1]
    assert of(Gap, bad) == []
    assert decided(good) == list(range(10))
    assert scene.worker.refused_entries == len(GARBAGE)


async def test_fields_of_100_mb_are_dropped_one_by_one(scene: Scene) -> None:
    monster = bytes(100_000_000)
    await scene.write(entry(SOUND[0]))
    for fields in (
        {b"v": b"2", b"k": b"frame", b"p": monster},
        {b"v": b"2", b"k": b"say", b"d": monster},
        {monster: b""},
    ):
        await scene.write(fields)
    await scene.write(entry(SOUND[1]))
    good, bad = await scene.end()
    assert decided(bad) == [0, 1]
    assert decided(good) == list(range(10))
    assert scene.worker.refused_entries == 3


async def test_controls_that_mean_nothing(scene: Scene) -> None:
    await scene.write(
        entry(SOUND[0]),
        control("cancel", '{"reply_id":1000000000000000,"heard_chars":-1000000000000000}'),
        control("heard", '{"reply_id":-1,"chars":1e300}'),
        control("update", '{"threshold":Infinity}'),
        control("say", '{"text":""}'),
        control("text_turn", '{"text":"' + "a" * 50_000 + '"}'),
        entry(SOUND[1]),
    )
    good, bad = await scene.end()
    assert scene.worker.refused_entries == 4
    assert decided(bad) == [0, 1]
    assert decided(good) == list(range(10))


async def test_a_control_that_cannot_be_read_is_answered(scene: Scene) -> None:
    await scene.write(
        control("say", '{"text":5}'),
        control("text_turn", "{"),
        control("say", '{"text":"' + "x" * 9_000 + '"}'),
        control("update", '{"threshold":7}'),
    )
    _, bad = await scene.end()
    assert bad[-1] == Closed("bad", CloseReason.CLIENT)
    found = entries(await scene.raw.xrange(KEYS.output(BAD)))
    answers = [json.loads(fields[b"d"]) for _, fields in found if fields[b"k"] == b"answer"]
    assert [answer["entry"] for answer in answers] == ["1-2", "1-3", "1-4", "1-5"]
    assert all(answer["error"] for answer in answers)


async def test_much_rubbish_is_followed_by_what_stands_behind_it(scene: Scene) -> None:
    await scene.write_at_once(*[control("nonsense", "{}")] * 20_000, wire.encode(wire.Close()))
    assert await until_closed(scene.bad) == [Closed("bad", CloseReason.CLIENT)]
    assert scene.worker.refused_entries == 20_000
    assert decided(await heard(scene.good, SOUND)) == list(range(10))


async def test_a_clock_that_jumps(scene: Scene) -> None:
    """Frames are in order by their number; when they were captured is only carried along."""
    times = [1e9, 1e9 + 0.4, 5.0, -3.0, 1e300, 0.0]
    jumping = [replace(f, captured_at=at) for f, at in zip(SOUND, times, strict=False)]
    await scene.write(*(entry(frame) for frame in jumping))
    good, bad = await scene.end()
    assert [decision.captured_at for decision in of(Decision, bad)] == times
    assert of(Gap, bad) == []
    assert decided(good) == list(range(10))


async def test_two_clients_with_one_session_id(redis_server: RedisServer) -> None:
    """A client that was silent for too long is replaced, and learns about it."""
    async with (
        hired(redis_server.url),
        RedisRuntime(redis_server.url, timings=Timings(beat_s=2.0)) as slow,
        RedisRuntime(redis_server.url, timings=Timings(client_lease_s=0.1)) as eager,
    ):
        replaced = await slow.open(SessionOptions("a", threshold=1.0))
        heir = await taken_over(eager, "a")
        end = (await until_closed(replaced))[-1]
        assert end == Closed("a", CloseReason.FAILURE, "another client has taken this session")
        with pytest.raises(SessionClosed):
            await replaced.push(SOUND[0])
        assert decided(await heard(heir, SOUND)) == list(range(10))


async def taken_over(runtime: RedisRuntime, name: str) -> RedisSession:
    """As soon as its client has been silent for long enough."""
    async with asyncio.timeout(UNSEEN_S):
        while True:
            try:
                return await runtime.open(SessionOptions(name, threshold=1.0))
            except RuntimeFailure:
                await asyncio.sleep(0.05)
