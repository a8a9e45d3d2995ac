"""What is read for sessions that come and go meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from interject.model_runtime.protocol import Closed, CloseReason, SessionOptions
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.session import RedisSession
from interject.model_runtime.redis.client.shard import Shard
from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.redis.connection import Command, RedisClient

KEY = "tenant.key"


class SlowRedis:
    """Has the end of the session that is read, and something happens before it says so."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile = meanwhile

    async def ask(self, command: Command) -> Any:
        if "BLOCK" in command:
            return None
        self._meanwhile()
        fields = wire.encode(Closed("a", CloseReason.CLIENT))
        return [
            (f"out:{KEY}".encode(), [(b"5-1", [word for pair in fields.items() for word in pair])])
        ]


def session() -> RedisSession:
    return RedisSession(
        SessionOptions("a"), KEY, generation=1, read_to="0-0", resumes_at=0, answer_s=1.0,
        wake=lambda: None,
    )  # fmt: skip


@pytest.mark.parametrize("reopened", [False, True])
async def test_a_session_s_end_does_not_touch_its_successor(reopened: bool) -> None:
    shard = Shard(Address.parse("redis://127.0.0.1:1/0"), "0", token="t", timings=Timings())
    first, second = session(), session()
    shard.sessions[KEY] = first

    def reopen() -> None:
        if reopened:
            first.end(CloseReason.FAILURE, "lost")
            shard.sessions[KEY] = second

    await shard._event_reader.read(cast("RedisClient", SlowRedis(reopen)))
    assert first.closed.is_set()
    assert not second.closed.is_set()
    assert shard.sessions == ({KEY: second} if reopened else {})
