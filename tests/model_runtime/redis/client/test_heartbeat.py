"""Saying that a client is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from interject.model_runtime.protocol import SessionOptions
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.session import RedisSession
from interject.model_runtime.redis.client.shard import Shard
from interject.model_runtime.redis.timings import Timings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.redis.connection import Command, RedisClient


def session() -> RedisSession:
    return RedisSession(
        SessionOptions("a"), "tenant.key", generation=1, read_to="0-0", resumes_at=0, answer_s=1.0,
        wake=lambda: None,
    )  # fmt: skip


class AttendedRedis:
    """Knows every session, and counts how often it is asked whether workers live."""

    def __init__(self) -> None:
        self.asked = 0

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        self.asked += sum(command[0] == "GET" for command in commands)
        return [b"t 1 0-0" if command[0] == "SET" else b"1 2" for command in commands]


async def test_whether_workers_live_is_asked_once_a_beat() -> None:
    timings = Timings(beat_s=60.0)
    shard = Shard(Address.parse("redis://127.0.0.1:1/0"), "0", token="t", timings=timings)
    redis = AttendedRedis()
    for _ in range(3):
        await shard._heartbeat.attend_to(cast("RedisClient", redis), [session()])
    assert redis.asked == 1
