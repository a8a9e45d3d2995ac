"""What a client's end of a shard says when Redis cannot be used any more."""

from __future__ import annotations

import pytest

from interject.model_runtime.protocol import SessionOptions
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.session import RedisSession
from interject.model_runtime.redis.client.shard import Shard
from interject.model_runtime.redis.timings import Timings


def session() -> RedisSession:
    return RedisSession(
        SessionOptions("a"), "default.a", generation=1, read_to="0-0", resumes_at=0, answer_s=1.0,
        wake=lambda: None,
    )  # fmt: skip


@pytest.mark.parametrize("opened", [False, True])
async def test_the_log_says_that_sessions_end_only_where_some_do(
    opened: bool, caplog: pytest.LogCaptureFixture
) -> None:
    shard = Shard(Address.parse("redis://127.0.0.1:1/0"), "0", token="t", timings=Timings())
    if opened:
        shard.sessions["default.a"] = session()
    shard._give_up("the user may not do that")
    assert shard.sessions == {}
    assert [vars(record)["count"] for record in caplog.records] == [1] * opened
