"""One call of the write script writes to many sessions, and judges each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.protocol import Closed, CloseReason
from interject.model_runtime.redis import scripts
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.worker import writes
from interject.model_runtime.redis.worker.batch import Batch
from interject.model_runtime.redis.worker.output_log import OutputLog
from interject.model_runtime.remote import wire
from tests.model_runtime.redis.worker.owned import EPOCH, owned

if TYPE_CHECKING:
    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.worker.owned_session import OwnedSession

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

KEYS = Keys("0")
TOKEN = "w:1"


def told(session: OwnedSession) -> OwnedSession:
    session.log.add(Batch(session, (wire.Opened(),) * 2, "1-1", journal=b"j"))
    return session


async def begun(client: RedisClient, key: str, *, epoch: int = EPOCH) -> None:
    fields = ("epoch", epoch, "written", 0, "state", "open")
    await client.transact(
        [
            ("HSET", KEYS.session(key), *fields),
            ("SADD", KEYS.owned(TOKEN), key),
            ("XADD", KEYS.input(key), "0-1", "k", "begin"),
        ]
    )


async def write(client: RedisClient, *sessions: OwnedSession) -> list[bytes]:
    pairs = [(session, session.log.next_write()) for session in sessions]
    writing = [(session, write) for session, write in pairs if write is not None]
    verdicts: list[bytes] = []
    for _, call in writes.calls(writing, KEYS, TOKEN, retention_ms=60_000):
        for answer in await scripts.exchange_digests(client, [call]):
            verdicts += answer
    return verdicts


async def test_each_session_has_a_verdict_of_its_own(client: RedisClient) -> None:
    await begun(client, "a")
    await begun(client, "b", epoch=EPOCH + 1)
    await begun(client, "d")
    sessions = [told(owned(key)) for key in ("a", "b", "c")]
    behind = told(owned("d", log=OutputLog(written=5)))
    assert await write(client, *sessions, behind) == [b"ok", b"fenced", b"missing", b"behind"]
    assert await write(client, *sessions) == [b"again", b"fenced", b"missing"]
    out = await client.ask(("XRANGE", KEYS.output("a"), "-", "+"))
    assert [entry for entry, _ in out] == [b"7-1", b"7-2"]
    assert await client.xlen(KEYS.journal("a")) == 1
    state = await client.hmget(KEYS.session("a"), "written", "number")
    assert state == [b"1", b"2"]
    for key in ("b", "c", "d"):
        assert not await client.exists(KEYS.output(key), KEYS.journal(key))


async def test_a_redis_that_forgot_the_script_is_given_its_text_again(client: RedisClient) -> None:
    await begun(client, "a")
    session = told(owned("a"))
    assert await write(client, session) == [b"ok"]
    await client.ask(("SCRIPT", "FLUSH"))
    assert await write(client, session) == [b"again"]
    assert await client.xlen(KEYS.journal("a")) == 1


async def test_what_came_during_a_write_that_was_given_up_and_yet_done_is_written(
    client: RedisClient,
) -> None:
    await begun(client, "a")
    session = told(owned("a"))
    assert await write(client, session) == [b"ok"]
    session.log.hold()
    session.log.add(Batch(session, (wire.Opened(),), "1-1", snapshot=b"s", keep_from="1-1"))
    assert await write(client, session) == [b"ok"]
    session.log.settle()
    assert await write(client, told(session)) == [b"ok"]
    out = await client.ask(("XRANGE", KEYS.output("a"), "-", "+"))
    assert [entry for entry, _ in out] == [b"7-1", b"7-2", b"7-3", b"7-4", b"7-5"]
    assert await client.get(KEYS.snapshot("a")) == b"s"


async def test_a_snapshot_takes_the_place_of_the_journal_and_of_older_input(
    client: RedisClient,
) -> None:
    await begun(client, "a")
    session = told(owned("a"))
    assert await write(client, session) == [b"ok"]
    session.log.settle()
    session.log.add(Batch(session, (), "1-1", snapshot=b"s", keep_from="1-1"))
    assert await write(client, session) == [b"ok"]
    assert await client.get(KEYS.snapshot("a")) == b"s"
    assert not await client.exists(KEYS.journal("a"))
    assert await client.xlen(KEYS.input("a")) == 0
    assert await client.xlen(KEYS.output("a")) == 2


async def test_sessions_of_several_calls_all_end(client: RedisClient) -> None:
    names = [f"s{number}" for number in range(2 * writes.AT_ONCE + 1)]
    sessions = []
    for name in names:
        await begun(client, name)
        session = owned(name)
        end = Closed(name, CloseReason.CLIENT)
        session.log.add(Batch(session, (end,), "1-1", closed=True))
        sessions.append(session)
    assert await write(client, *sessions) == [b"ok"] * len(names)
    assert await client.scard(KEYS.owned(TOKEN)) == 0
    for name in names:
        assert await client.hget(KEYS.session(name), "state") == b"closed"
        assert await client.pttl(KEYS.output(name)) > 0
