"""The shipped users can do what media processes, workers and operators do, and nothing else."""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, OutOfMemoryError, RedisError

from interject.model_runtime.protocol import (
    Closed,
    Decision,
    SessionOptions,
)
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.keys import DEFAULT_TENANT, Keys, session_name
from interject.model_runtime.redis.neighbourhood import RedisNeighbourhood
from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.redis.worker.worker import Worker
from interject.model_runtime.telemetry.worker_watch import NoObserver
from tests.deploy.guarded_redis import DEPLOY, NO_RETRY, GuardedRedis
from tests.live.redis.membership_wait import watched
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from interject.model_runtime.protocol import Event, Frame, RuntimeSession
    from interject.model_runtime.telemetry.worker_watch import WorkerObserver

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

KEYS = Keys("0")
KEY = session_name(DEFAULT_TENANT, "call", secret="secret-media")
SOUND = frames(noise(8.0))
WAIT_S = 120.0


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedRedis]:
    server = GuardedRedis(tmp_path)
    server.start()
    yield server
    server.kill()


class Adoptions(NoObserver):
    """Waits for a worker to have taken two sessions in."""

    def __init__(self) -> None:
        self.has_two = asyncio.Event()
        self._count = 0

    def adopted(self, *, restored: bool) -> None:
        self._count += 1
        if self._count == 2:
            self.has_two.set()


@asynccontextmanager
async def hired(
    server: GuardedRedis, name: str, observer: WorkerObserver | None = None
) -> AsyncIterator[Worker]:
    url = server.url("worker")
    worker = Worker(url, small_model(), name=name, slots=2, observer=observer)
    stop, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(stop, ready.set), name=name)
        await ready.wait()
        yield worker
        stop.set()


async def talk(session: RuntimeSession, sound: list[Frame], *, finish: bool) -> list[Event]:
    """Push, and read until the last frame was decided, or until the end."""
    for frame in sound:
        await session.push(frame)
    if finish:
        await session.finish()
    events: list[Event] = []
    async with asyncio.timeout(WAIT_S):
        async for event in session.events():
            events.append(event)
            last = isinstance(event, Decision) and event.seq == sound[-1].seq
            if isinstance(event, Closed) or (last and not finish):
                break
    return events


def decided(events: list[Event]) -> list[int]:
    return [event.seq for event in events if isinstance(event, Decision)]


@pytest.mark.timeout(400)
async def test_a_whole_life_needs_no_more_than_is_allowed(guarded: GuardedRedis) -> None:
    """Open, talk, drain to another worker, a Redis that forgets everything, end."""
    runtime = RedisRuntime(guarded.url("media"))
    options = SessionOptions("call", max_reply_tokens=4)
    heir = Adoptions()
    async with hired(guarded, "w2", heir):
        async with hired(guarded, "w1"):
            session = await runtime.open(options)
            other = await runtime.open(replace(options, session_id="other"))
            first = await talk(session, SOUND[:8], finish=False)
            await talk(other, SOUND[:4], finish=False)
        # Between two workers a session is in Redis alone.
        async with asyncio.timeout(WAIT_S):
            await heir.has_two.wait()
        assert guarded.denials() == []
        guarded.kill()
        guarded.start()
        rest = await talk(session, SOUND[8:], finish=True)
        assert guarded.denials() == []
    await runtime.aclose()
    assert decided(first + rest) == list(range(len(SOUND)))


async def test_workers_may_look_whether_others_live(guarded: GuardedRedis) -> None:
    async with hired(guarded, "w1") as one, hired(guarded, "w2"):
        await watched(one, "w2")
    assert guarded.denials() == []


@pytest.mark.timeout(400)
async def test_a_worker_that_may_not_listen_works_without(guarded: GuardedRedis) -> None:
    with guarded.admin() as admin:
        admin.execute_command("ACL", "SETUSER", "interject-worker", "-subscribe")
    async with hired(guarded, "w1"), RedisRuntime(guarded.url("media")) as runtime:
        session = await runtime.open(SessionOptions("call", max_reply_tokens=4))
        assert decided(await talk(session, SOUND[:4], finish=True)) == [0, 1, 2, 3]


@pytest.mark.timeout(400)
async def test_a_client_that_comes_back_may_go_on(guarded: GuardedRedis) -> None:
    timings = Timings(client_lease_s=0.2)
    options = SessionOptions("call", max_reply_tokens=4)
    async with hired(guarded, "w1"):
        lost = RedisRuntime(guarded.url("media"), timings=timings)
        await talk(await lost.open(options), SOUND[:4], finish=False)
        await lost._stop()
        await asyncio.sleep(0.3)
        async with RedisRuntime(guarded.url("media"), timings=timings) as back:
            events = await talk(await back.open(options), SOUND[:4], finish=True)
    assert decided(events) == [0, 1, 2, 3]
    assert guarded.denials() == []


async def test_processes_with_one_secret_may_know_of_each_other(guarded: GuardedRedis) -> None:
    one, other = (RedisNeighbourhood(guarded.url("media")) for _ in range(2))
    async with aclosing(one), aclosing(other):
        for way in (one, other):
            await way.post(b"{}")
        assert await one.bulletins() == {other.token: b"{}"}
        assert await one.send([(other.token, b"h", b"b")]) == [True]
        assert await other.receive() == [(b"h", b"b")]
        await other.leave(b"{}")
        await asyncio.to_thread(forget, guarded, f"*:bulletin:*.{other.token}")
        assert await one.bulletins() == {}
        assert await other.receive() == []
    assert guarded.denials() == []


def forget(server: GuardedRedis, pattern: str) -> None:
    with server.admin() as admin:
        for key in admin.scan_iter(pattern):
            admin.delete(key)


Call = tuple[Any, ...]
IN, OUT = KEYS.input(KEY), KEYS.output(KEY)
JOURNAL, SNAPSHOT, SESSION = KEYS.journal(KEY), KEYS.snapshot(KEY), KEYS.session(KEY)
ADMINISTRATION: list[Call] = [
    ("CONFIG", "GET", "*"), ("CONFIG", "SET", "maxmemory", "1"), ("ACL", "LIST"),
    ("ACL", "SETUSER", "interject-media", "+@all"), ("FLUSHALL",), ("FLUSHDB",), ("SHUTDOWN",),
    ("KEYS", "*"), ("SCAN", "0"), ("MONITOR",), ("DEBUG", "SLEEP", "0"), ("SAVE",),
    ("REPLICAOF", "NO", "ONE"), ("CLIENT", "LIST"), ("CLIENT", "KILL", "ID", "1"),
    ("SCRIPT", "FLUSH"), ("FUNCTION", "LIST"), ("MODULE", "LIST"), ("SWAPDB", "0", "1"),
    ("SUBSCRIBE", "x"), ("PUBLISH", "x", "y"), ("GET", "elsewhere"), ("SET", "elsewhere", "x"),
    ("EVAL", "return 1", "1", "elsewhere"), ("RANDOMKEY",), ("ACL", "LOG"), ("SLOWLOG", "GET"),
    ("FUNCTION", "LOAD", "#!lua name=x"), ("CLUSTER", "GETKEYSINSLOT", "0", "9"),
]  # fmt: skip
FORBIDDEN: dict[str, list[Call]] = {
    "media": [
        ("XADD", OUT, "*", "k", "decision"),
        ("XADD", JOURNAL, "*", "j", "x"),
        ("XTRIM", OUT, "MAXLEN", "0"),
        ("SET", SNAPSHOT, "x"),
        ("GET", SNAPSHOT),
        ("XRANGE", JOURNAL, "-", "+"),
        ("HSET", KEYS.worker("w1"), "slots", "99"),
        ("SADD", KEYS.fleet, "forged"),
        ("SREM", KEYS.owned("w1"), KEY),
        ("LPOP", KEYS.todo("w1")),
        ("SET", KEYS.name("w1"), "forged"),
        ("SUBSCRIBE", KEYS.alive("w1")),
        ("PUBSUB", "NUMSUB", KEYS.alive("w1")),
        ("SMEMBERS", KEYS.tenants),
        ("INFO",),
        ("EVAL", "while true do end", "0"),
        ("EVAL", "return 1", "1", IN),
        ("FCALL", "x", "0"),
        ("SCRIPT", "LOAD", "return 1"),
        ("SCRIPT", "KILL"),
        ("DEL", IN),
        ("DEL", OUT),
        ("XDEL", IN, "1-1"),
        ("HGETALL", SESSION),
        ("HSET", SESSION, "epoch", "9"),
        ("SADD", KEYS.owned("w1"), KEY),
        ("SADD", KEYS.tenants, "forged"),
        ("SET", KEYS.room(DEFAULT_TENANT), "0 99"),
        ("XADD", KEYS.notices(DEFAULT_TENANT, "0" * 32), "*", "k", KEY),
        ("XREAD", "STREAMS", KEYS.requests(DEFAULT_TENANT), "0"),
        ("XREAD", "STREAMS", KEYS.news(DEFAULT_TENANT), "0"),
        ("GET", KEYS.client(KEY)),
        ("XREAD", "STREAMS", KEYS.mailbox("acme.1", "2"), "0"),
        ("MGET", KEYS.bulletin("acme.1", "2")),
        ("SMEMBERS", KEYS.neighbours("acme.1")),
        ("XRANGE", KEYS.mailbox("default.1", "2"), "-", "+"),
    ],
    "worker": [
        ("XREAD", "STREAMS", KEYS.mailbox("default.1", "2"), "0"),
        ("MGET", KEYS.bulletin("default.1", "2")),
        ("XREAD", "STREAMS", OUT, "0"),
        ("XRANGE", OUT, "-", "+"),
        ("XREVRANGE", OUT, "+", "-"),
        ("XREAD", "STREAMS", KEYS.notices(DEFAULT_TENANT, "0" * 32), "0"),
        ("XDEL", IN, "1-1"),
        ("SREM", KEYS.tenants, "acme"),
        ("XTRIM", OUT, "MAXLEN", "0"),
        ("SUBSCRIBE", "elsewhere"),
        ("PSUBSCRIBE", "*"),
        ("PUBLISH", KEYS.alive("w1"), "x"),
        ("PUBSUB", "CHANNELS"),
    ],
    "ops": [
        ("XREAD", "STREAMS", KEYS.mailbox("default.1", "2"), "0"),
        ("MGET", KEYS.bulletin("default.1", "2")),
        ("HSET", SESSION, "epoch", "9"),
        ("XADD", IN, "*", "k", "frame"),
        ("XREAD", "STREAMS", IN, "0"),
        ("XRANGE", OUT, "-", "+"),
        ("GET", SNAPSHOT),
        ("HGETALL", SESSION),
        ("SADD", KEYS.fleet, "forged"),
        ("DEL", SESSION),
        ("SET", KEYS.client(KEY), "x"),
    ],
}


@pytest.mark.parametrize("role", ["media", "worker", "ops"])
def test_everything_else_is_refused(role: str, guarded: GuardedRedis) -> None:
    allowed: list[Call] = []
    with guarded.client(role) as client:
        for call in ADMINISTRATION + FORBIDDEN[role]:
            if not refused(client, call):
                allowed.append(call)
            if not refused_in_script(client, role, call):
                allowed.append(("in a script", *call))
    assert allowed == []


def test_a_tenant_with_an_odd_name_is_a_clear_error(tmp_path: Path) -> None:
    server = GuardedRedis(tmp_path, tenants=["a{b"])
    done = subprocess.run(
        [str(DEPLOY / "redis" / "start.sh")],
        env={
            "PATH": "/usr/bin:/bin",
            "INTERJECT_SECRETS": str(tmp_path / "secrets"),
            "INTERJECT_REDIS_RUN": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert server.port
    assert done.returncode == 2
    assert "a tenant's name is made of small letters, digits and hyphens" in done.stderr


REFUSED_IN_SCRIPT = ("ACL failure", "user executing the script can", "not allowed from script")


def refused(client: Redis, call: Call) -> bool:
    try:
        client.execute_command(*call)  # type: ignore[no-untyped-call]
    except NoPermissionError:
        return True
    except RedisError as error:
        return "DEBUG command not allowed" in str(error)
    return False


def refused_in_script(client: Redis, role: str, call: Call) -> bool:
    """Scripts lend no rights: a call inside one is the caller's."""
    if role != "worker":
        return refused(client, ("EVAL", "return 1", "0"))
    script = "return redis.call(unpack(ARGV))"
    try:
        client.eval(script, 1, KEYS.fleet, *call)
    except RedisError as error:
        return any(sign in str(error) for sign in REFUSED_IN_SCRIPT)
    return False


def test_nobody_comes_in_without_a_name_or_with_a_wrong_password(guarded: GuardedRedis) -> None:
    for user, password in ((None, None), ("interject-media", "wrong"), ("default", "")):
        with (
            Redis(
                port=guarded.port, username=user, password=password, protocol=2, retry=NO_RETRY
            ) as client,
            pytest.raises(RedisError, match=r"(?i)auth|password"),
        ):
            client.ping()


def test_limits_are_in_force(guarded: GuardedRedis) -> None:
    with guarded.admin() as admin:
        found: Any = admin.config_get("*")
    assert found["maxmemory-policy"] == "noeviction"
    assert found["maxmemory"] == str(2 << 30)
    assert found["save"] == ""
    assert found["appendonly"] == "no"
    assert found["proto-max-bulk-len"] == str(64 << 20)


def test_a_field_of_100_mb_is_refused_and_a_full_redis_says_so(tmp_path: Path) -> None:
    server = GuardedRedis(tmp_path, "--maxmemory", "6mb")
    server.start()
    try:
        with server.client("media") as media:
            with pytest.raises((RedisError, OSError)):
                media.xadd(IN, {"p": bytes(100 << 20)})
            with pytest.raises(OutOfMemoryError):
                fill(media)
        with server.client("worker") as worker:
            assert worker.ping()
    finally:
        server.kill()


def fill(media: Redis) -> None:
    for _ in range(1_000):
        media.xadd(IN, {"p": bytes(12_800)})


def test_a_missing_password_is_a_clear_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(DEPLOY / "redis" / "start.sh")],
        env={"PATH": "/usr/bin:/bin", "INTERJECT_SECRETS": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"start.sh: {tmp_path}/worker is missing or empty: "
        "put the password of interject-worker there\n"
    )
