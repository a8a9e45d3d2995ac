"""What a media process may do to others under the shipped users: nothing. Each attack is tried as
another tenant that knows the session's name, and as a process of the same tenant that does not.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import NoPermissionError

from interject.model_runtime.protocol import Decision, RuntimeFailure, SessionOptions
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.requests import OpenAnswer, OpenRequest, OpenVerdict, read_answer
from interject.model_runtime.redis.worker.worker import Worker
from interject.model_runtime.remote import options_codec
from tests.contract.runtime_contract import heard, of
from tests.deploy.guarded_redis import GuardedRedis
from tests.model_runtime.worlds import frames, noise, small_model
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from redis import Redis

    from interject.model_runtime.redis.client.session import RedisSession

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

Call = tuple[Any, ...]
KEYS = Keys("0")
SOUND = frames(noise(2.0))
OPTIONS = SessionOptions("call", threshold=1.0)
TOKEN = "5" * 32
HUGE = b"x" * 2_000_000
JUNK: list[dict[Any, Any]] = [{"x": "y"}, {"v": b"\xff", "n": HUGE}, {"v": "2", "n": "acme.1"}]
SPOILT: list[dict[Any, Any]] = [
    {"v": "2", "k": "frame", "p": HUGE}, {"v": "2", "k": "say", "d": HUGE}, {"": ""},
]  # fmt: skip


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedRedis]:
    server = GuardedRedis(tmp_path, tenants=["acme"])
    server.start()
    yield server
    server.kill()


@asynccontextmanager
async def staffed(server: GuardedRedis) -> AsyncIterator[Worker]:
    worker = Worker(
        server.url("worker") + "?tenants=default,acme", small_model(), name="w1", slots=4
    )
    stop, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(stop, ready.set))
        await ready.wait()
        yield worker
        stop.set()


def acme(server: GuardedRedis) -> str:
    return server.url("media-acme") + "?tenant=acme"


def victim(server: GuardedRedis) -> str:
    return Address.parse(server.url("media")).session_name("call")


def on_a_session(name: str) -> list[Call]:
    """Whoever may do one of these reads or steers it."""
    return [
        ("XREVRANGE", KEYS.input(name), "+", "-"),
        ("XREVRANGE", KEYS.output(name), "+", "-"),
        ("XREAD", "STREAMS", KEYS.output(name), "0"),
        ("XADD", KEYS.input(name), "*", "v", "2", "k", "say", "d", '{"text":"hello"}'),
        ("SET", KEYS.client(name), f"{TOKEN} 9999999999999 0-0"),
        ("EXISTS", KEYS.client(name)),
    ]


def on_a_tenant(name: str) -> list[Call]:
    return [
        ("XADD", KEYS.requests(name), "*", "v", "2"),
        ("XADD", KEYS.news(name), "*", "k", "x"),
        ("GET", KEYS.room(name)),
        ("XREAD", "STREAMS", KEYS.notices(name, TOKEN), "0"),
    ]


def on_everybody(name: str, worker: str) -> list[Call]:
    """No media process may do these, whatever it knows."""
    return [
        ("HGET", KEYS.session(name), "options"), ("HSET", KEYS.session(name), "epoch", "9"),
        ("HSET", KEYS.session(name), "client", TOKEN), ("DEL", KEYS.session(name)),
        ("GET", KEYS.snapshot(name)), ("XRANGE", KEYS.journal(name), "-", "+"),
        ("DEL", KEYS.input(name)), ("XTRIM", KEYS.input(name), "MAXLEN", "0"),
        ("XADD", KEYS.output(name), "*", "k", "closed"), ("GET", KEYS.client(name)),
        ("SADD", KEYS.owned(worker), name), ("SREM", KEYS.owned(worker), name),
        ("RPUSH", KEYS.todo(worker), name), ("SADD", KEYS.fleet, "forged"),
        ("SMEMBERS", KEYS.fleet), ("SMEMBERS", KEYS.tenants), ("SADD", KEYS.tenants, "evil"),
        ("HSET", KEYS.worker(worker), "slots", "99"), ("DEL", KEYS.worker(worker)),
        ("EVAL", "while true do end", "0"), ("EVAL", "return 1", "1", KEYS.fleet),
        ("EVALSHA", "0" * 40, "0"), ("SCRIPT", "LOAD", "return 1"), ("SCRIPT", "KILL"),
        ("FUNCTION", "LOAD", "#!lua name=x"), ("FCALL", "x", "0"),
        ("KEYS", "*"), ("SCAN", "0"), ("RANDOMKEY",), ("MONITOR",), ("CLIENT", "LIST"),
        ("SLOWLOG", "GET"), ("ACL", "LOG"), ("PSUBSCRIBE", "*"), ("SUBSCRIBE", "x"),
        ("XREAD", "STREAMS", KEYS.requests("default"), "0"),
        ("XREAD", "STREAMS", KEYS.news("default"), "0"),
        ("XINFO", "STREAM", KEYS.requests("default")), ("OBJECT", "FREQ", KEYS.input(name)),
        ("DUMP", KEYS.input(name)), ("TYPE", KEYS.input(name)), ("FLUSHALL",),
    ]  # fmt: skip


def allowed(client: Redis, calls: list[Call]) -> list[Call]:
    """Those that were not refused."""
    found = []
    for call in calls:
        try:
            client.execute_command(*call)  # type: ignore[no-untyped-call]
            found.append(call)
        except NoPermissionError:
            pass
    return found


async def test_another_tenant_that_knows_all_names_can_do_nothing(guarded: GuardedRedis) -> None:
    async with staffed(guarded) as worker, RedisRuntime(guarded.url("media")) as runtime:
        session = await runtime.open(OPTIONS)
        name = session.key
        assert name == victim(guarded)
        (notices,) = (shard._event_reader.notices for shard in runtime._shards)
        calls = [
            *on_a_session(name), *on_a_tenant("default"),
            *on_everybody(name, worker._lease.token), ("XREAD", "STREAMS", notices, "0"),
        ]  # fmt: skip
        with guarded.client("media-acme") as client:
            assert allowed(client, calls) == []
        assert len(of(Decision, await heard(session, SOUND))) == 5


async def test_a_process_of_the_same_tenant_finds_no_names(guarded: GuardedRedis) -> None:
    """It may do to a session what a client does, once it knows its name; nothing tells it."""
    async with (
        staffed(guarded) as worker,
        RedisRuntime(guarded.url("media") + "?secret=mine") as runtime,
        RedisRuntime(guarded.url("media") + "?secret=theirs") as other,
    ):
        session = await runtime.open(OPTIONS)
        with guarded.client("media") as client:
            calls = on_everybody(session.key, worker._lease.token)
            assert allowed(client, calls) == []
            for shard in other._shards:
                told = client.xread({shard._event_reader.notices: "0-0"})
                assert session.key not in str(told)
        same_id = await other.open(OPTIONS)
        assert same_id.key != session.key
        both = await asyncio.gather(heard(session, SOUND), heard(same_id, SOUND))
        assert [len(of(Decision, events)) for events in both] == [5, 5]
        assert {event.session_id for events in both for event in events} == {"call"}


async def test_a_process_that_is_started_again_finds_its_session(guarded: GuardedRedis) -> None:
    url = guarded.url("media")
    assert Address.parse(url).session_name("call") == Address.parse(url).session_name("call")
    rotated = url.replace("secret-media", "new") + "?secret=secret-media"
    assert Address.parse(rotated).session_name("call") == victim(guarded)
    assert "secret-media" not in Address.parse(rotated).name
    with pytest.raises(RuntimeFailure, match="small letters"):
        Address.parse(url + "?tenant=Acme.*")


def asked(name: str, *, number: str = "1", **changes: bytes) -> dict[Any, Any]:
    fields = OpenRequest(name, TOKEN, number, options_codec.encode_options(OPTIONS), 2_000).encode()
    return fields | {key.encode(): value for key, value in changes.items()}


async def answer(client: Redis, number: str) -> tuple[OpenVerdict, str]:
    """What the workers say to a request."""
    said = await whole_answer(client, number)
    return said.verdict, said.error


async def whole_answer(client: Redis, number: str) -> OpenAnswer:
    found: dict[str, OpenAnswer] = {}

    def here() -> bool:
        told: Any = client.xread({KEYS.notices("acme", TOKEN): "0-0"})
        for _, entries in told:
            for _, fields in entries:
                raw = {key.encode(): value.encode() for key, value in fields.items()}
                if b"r" in raw:
                    asked_as, said = read_answer(raw)
                    found[asked_as] = said
        return number in found

    await until(here)
    return found[number]


async def test_a_request_is_for_ones_own_sessions_and_is_answered(guarded: GuardedRedis) -> None:
    """Of another version, with options that nobody may have, for a session of somebody else."""
    mine = "acme." + "0" * 32
    async with staffed(guarded) as worker, RedisRuntime(guarded.url("media")) as runtime:
        session = await runtime.open(OPTIONS)
        requests = KEYS.requests("acme")
        with guarded.client("media-acme") as client:
            client.xadd(requests, asked(session.key))
            client.xadd(requests, asked("default." + "0" * 32))
            client.xadd(KEYS.news("acme"), {"k": session.key})
            for junk in JUNK:
                client.xadd(requests, junk)
            client.xadd(requests, asked(mine, t=b"../*"))
            client.xadd(requests, asked(mine, number="2", v=b"1"))
            client.xadd(requests, asked(mine, number="3", d=HUGE))
            client.xadd(requests, asked(mine, number="4", d=b'{"session_id":"a","threshold":7}'))
            client.xadd(requests, asked(mine, number="5", o=b"-1"))
            client.xadd(requests, asked("acme." + "A" * 32, number="6"))
            client.xadd(requests, asked(mine, number="no number"))
            said = [await answer(client, number) for number in ("1", *"23456", "no number")]
            client.xadd(requests, asked(mine, number="a-7"))
            assert (await answer(client, "a-7"))[0] is OpenVerdict.PLACED
            client.xadd(requests, asked(mine, number="8"))
            assert (await answer(client, "8"))[0] is OpenVerdict.IN_USE, "by the same client"
        assert {verdict for verdict, _ in said} == {OpenVerdict.REFUSED}
        reasons = (
            "n must be a session of the tenant acme",
            "protocol version 1: this side speaks 2 only",
            "at most 65536",
            "threshold",
            "o must be a whole number of ms from 0 to 60000",
            "n must be TENANT.DIGITS",
            "r must be 1 to 64 letters",
        )
        for (_, error), reason in zip(said, reasons, strict=True):
            assert reason in error
        assert worker._placing.refused_requests == 12
        await until(lambda: worker.session_count == 2)
        assert len(of(Decision, await heard(session, SOUND))) == 5


@pytest.mark.parametrize("written", [2**53, 2**63 - 1, 2**64 - 1])
async def test_no_entry_of_a_client_makes_an_impossible_generation(
    guarded: GuardedRedis, written: int
) -> None:
    name = "acme." + "2" * 32
    async with staffed(guarded):
        with guarded.client("media-acme") as client:
            client.xadd(KEYS.requests("acme"), asked(name))
            first = await whole_answer(client, "1")
            client.xadd(KEYS.input(name), {"x": "y"}, id=f"{written}-1")
            client.set(KEYS.client(name), "")
            client.xadd(KEYS.requests("acme"), asked(name, number="2"))
            second = await whole_answer(client, "2")
    assert second.verdict is OpenVerdict.ATTACHED
    assert first.generation < second.generation < 2**53


def spoilt(client: Redis, name: str) -> None:
    """All that a tenant can put into keys of its own."""
    last = 2**64 - 1
    client.set(KEYS.client(name), HUGE)
    client.set(KEYS.client("acme." + "f" * 32), "-1")
    client.xadd(KEYS.news("acme"), {"k": HUGE})
    client.xadd(KEYS.news("acme"), {"k": f"{name} acme. acme.* . {name}"})
    for fields in SPOILT:
        client.xadd(KEYS.input(name), fields, id=f"{last - 1}-*")
    client.xadd(KEYS.input(name), {"x": "y"}, id=f"{last}-{last}")
    client.xadd(KEYS.news("acme"), {"k": name}, id=f"{last}-{last}")
    client.xadd(KEYS.requests("acme"), {"k": "x"}, id=f"{last}-{last}")
    client.xadd(KEYS.input("acme.no such name"), {"x": HUGE})


async def test_a_tenant_that_spoils_its_own_keys_harms_itself_alone(guarded: GuardedRedis) -> None:
    async with (
        staffed(guarded),
        RedisRuntime(guarded.url("media")) as runtime,
        RedisRuntime(acme(guarded)) as hostile,
    ):
        good = await runtime.open(OPTIONS)
        bad: RedisSession = await hostile.open(OPTIONS)
        with guarded.client("media-acme") as client, guarded.admin() as admin:
            spoilt(client, bad.key)
            assert len(of(Decision, await heard(good, SOUND))) == 5
            again = await runtime.open(OPTIONS)
            assert len(of(Decision, await heard(again, SOUND))) == 5
            await until(lambda: int(admin.xlen(KEYS.news("acme"))) <= 1_000)


async def test_a_tenant_that_exhausts_its_streams_is_served_again(guarded: GuardedRedis) -> None:
    last = f"{2**64 - 1}-{2**64 - 1}"
    async with staffed(guarded), RedisRuntime(acme(guarded)) as runtime:
        session = await runtime.open(OPTIONS)
        with guarded.client("media-acme") as client, guarded.admin() as admin:
            for stream in (KEYS.requests("acme"), KEYS.news("acme")):
                client.xadd(stream, {"x": "y"}, id=last, maxlen=0, approximate=False)
            again = await runtime.open(replace(OPTIONS, session_id="another call"))
            assert len(of(Decision, await heard(session, SOUND))) == 5
            assert len(of(Decision, await heard(again, SOUND))) == 5
            assert last not in str(admin.xinfo_stream(KEYS.news("acme")))
    assert guarded.denials() == []


async def test_streams_of_a_tenant_are_trimmed_and_a_client_cannot_stay_for_ever(
    guarded: GuardedRedis,
) -> None:
    async with staffed(guarded), RedisRuntime(acme(guarded)) as runtime:
        session = await runtime.open(OPTIONS)
        with guarded.client("media-acme") as client, guarded.admin() as admin:
            pipeline = client.pipeline(transaction=False)
            for _ in range(3_000):
                pipeline.xadd(KEYS.news("acme"), {"k": "x"})
            pipeline.execute()
            name = "acme." + "1" * 32
            client.xadd(KEYS.requests("acme"), asked(name))
            assert (await answer(client, "1"))[0] is OpenVerdict.PLACED
            client.set(KEYS.client(name), f"{TOKEN} 1 0-0")
            await until(lambda: int(admin.xlen(KEYS.news("acme"))) <= 1_000)
            await until(lambda: int(admin.pttl(KEYS.client(name))) > 0)
        assert len(of(Decision, await heard(session, SOUND))) == 5
