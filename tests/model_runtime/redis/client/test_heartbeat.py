"""Saying that a client is still there."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from interject.model_runtime.protocol import SessionOptions
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.damage import SessionKey
from interject.model_runtime.redis.client.heartbeat import Heartbeat
from interject.model_runtime.redis.client.session import RedisSession
from interject.model_runtime.redis.client.shard import Shard
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.timings import Timings
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.redis.connection import Command, RedisClient


def session(key: str = "tenant.key") -> RedisSession:
    return RedisSession(
        SessionOptions("a"), key, generation=1, read_to="0-0", resumes_at=0, answer_s=1.0,
        wake=lambda: None,
    )  # fmt: skip


class AttendedRedis:
    """Knows every session but `lost`; counts how often it is asked for each, and whether workers
    live.
    """

    def __init__(self, *lost: str) -> None:
        self.asked = 0
        self.attended: Counter[object] = Counter()
        self._lost = lost

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        self.asked += sum(command[0] == "GET" for command in commands)
        self.attended.update(command[1] for command in commands if command[0] == "SET")
        return [self._answer(command) for command in commands]

    def _answer(self, command: Command) -> bytes | None:
        if command[0] != "SET":
            return b"1 2"
        return None if command[1] in self._lost else b"t 1 0-0"


async def test_whether_workers_live_is_asked_once_a_beat() -> None:
    timings = Timings(beat_s=60.0)
    shard = Shard(Address.parse("redis://127.0.0.1:1/0"), "0", token="t", timings=timings)
    redis = AttendedRedis()
    for _ in range(3):
        await shard._heartbeat.attend_to(cast("RedisClient", redis), [session()])
    assert redis.asked == 1


async def test_a_session_of_which_something_is_missing_is_attended_to_twice_as_often() -> None:
    timings, clock, keys = Timings(beat_s=0.01), FakeClock(), Keys("0")
    shard = Shard(Address.parse("redis://127.0.0.1:1/0"), "0", token="t", timings=timings)
    heartbeat = Heartbeat(
        keys, shard._registry, shard._heartbeat._lost,
        tenant="t", token="t", timings=timings, clock=clock,
    )  # fmt: skip
    for number in range(64):
        shard.sessions[f"t.{number}"] = session(f"t.{number}")
    lost, damaged = "t.3", "t.40"
    shard._registry.damage.found(shard.sessions[damaged], SessionKey.INPUT)
    redis = AttendedRedis(keys.client(lost))
    for _ in range(20):
        clock.advance(timings.beat_s)
        await heartbeat.beat(cast("RedisClient", redis))
    often = {key: redis.attended[keys.client(key)] for key in shard.sessions}
    uneasy = often.pop(lost), often.pop(damaged)
    assert set(often.values()) <= {9, 10, 11}
    assert min(uneasy) >= 18
