"""What a worker does with Redis' verdicts on its writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from interject.model_runtime.protocol import SessionOptions
from interject.model_runtime.redis.host import Batch
from interject.model_runtime.redis.tenant import Tenant
from interject.model_runtime.redis.worker import Worker
from interject.model_runtime.remote import wire
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis


class SlowRedis:
    """While it executes a pipeline, something else happens."""

    def __init__(self, meanwhile: Callable[[], None], verdict: bytes) -> None:
        self._meanwhile = meanwhile
        self._verdict = verdict
        self._calls = 0

    def pipeline(self, *, transaction: bool) -> SlowRedis:
        assert not transaction
        return self

    def eval(self, *call: object) -> None:
        self._calls += 1

    def xadd(self, name: str, fields: dict[bytes, str], *, maxlen: int) -> None:
        assert fields == {b"k": "key"}

    async def execute(self, *, raise_on_error: bool) -> list[bytes]:
        assert not raise_on_error
        self._meanwhile()
        return [self._verdict] * self._calls + [b"1-0"]


@pytest.mark.parametrize("verdict", [b"ok", b"again", b"missing", b"behind"])
@pytest.mark.parametrize("snapshot", [b"", b"snapshot"])
async def test_a_session_that_redis_forgot_while_it_was_written_is_written_anew(
    verdict: bytes, snapshot: bytes
) -> None:
    worker = Worker("redis://127.0.0.1:1/0", small_model(), name="w", slots=1)
    tenant = Tenant("key", SessionOptions("a"), 5, "0-1")
    tenant.add(Batch("key", 5, (wire.Opened(),), "0-1", journal=b"[]", snapshot=snapshot))
    worker._tenants["key"] = tenant
    await worker._flush(cast("Redis", SlowRedis(tenant.hold, verdict)))
    tenant.add(Batch("key", 5, (), "0-1", snapshot=b"another"))
    write = tenant.next_write()
    assert write is not None
    assert [event.kind for event in write.events] == [b"opened"]
    assert write.snapshot
    assert worker._news.is_set()
