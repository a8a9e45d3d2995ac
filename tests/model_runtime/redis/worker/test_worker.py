"""What a worker does with Redis' verdicts on its writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from interject.model_runtime.protocol import SessionOptions
from interject.model_runtime.redis.worker.engine_session import Batch
from interject.model_runtime.redis.worker.owned_session import Tenant
from interject.model_runtime.redis.worker.worker import Worker
from interject.model_runtime.remote import wire
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.redis.connection import Command, RedisClient


class SlowRedis:
    """While it does what it was sent, something else happens."""

    def __init__(self, meanwhile: Callable[[], None], verdict: bytes) -> None:
        self._meanwhile = meanwhile
        self._verdict = verdict

    async def exchange(self, commands: Sequence[Command]) -> list[object]:
        assert [command[0] for command in commands] == ["EVAL"]
        self._meanwhile()
        return [[self._verdict]]


@pytest.mark.parametrize("verdict", [b"ok", b"again", b"missing", b"behind"])
@pytest.mark.parametrize("snapshot", [b"", b"snapshot"])
async def test_a_session_that_redis_forgot_while_it_was_written_is_written_anew(
    verdict: bytes, snapshot: bytes
) -> None:
    worker = Worker("redis://127.0.0.1:1/0", small_model(), name="w", slots=1)
    tenant = Tenant("key", SessionOptions("a"), 5, "0-1")
    worker._tenants["key"] = tenant
    worker._deliver([Batch("key", 5, (wire.Opened(),), "0-1", journal=b"[]", snapshot=snapshot)])
    worker._news.clear()
    await worker._flush(cast("RedisClient", SlowRedis(tenant.hold, verdict)))
    tenant.add(Batch("key", 5, (), "0-1", snapshot=b"another"))
    write = tenant.next_write()
    assert write is not None
    assert [event.kind for event in write.events] == [b"opened"]
    assert write.snapshot
    assert worker._news.is_set()
