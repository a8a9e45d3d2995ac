"""What becomes of entries that Redis has, does not take, or may have forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from redis.exceptions import ConnectionError, ResponseError

from interject.model_runtime.protocol import FRAME_SAMPLES, CloseReason, Frame, SessionOptions
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.session import RedisSession
from interject.model_runtime.redis.client.shard import Shard
from interject.model_runtime.redis.timings import Timings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.redis.connection import Command, RedisClient

PCM = bytes(2 * FRAME_SAMPLES)
KEY = "default.a"
THERE = ResponseError("The ID specified in XADD is equal or smaller than the target item")
WRONG = ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
OOM = ResponseError("OOM command not allowed when used memory > 'maxmemory'.")


class Taking:
    """A Redis that answers each entry with the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.transactions: list[Sequence[Command]] = []

    async def transact(self, commands: Sequence[Command]) -> list[Any]:
        self.transactions.append(commands)
        return [*[self.answer] * (len(commands) - 1), b"5-0"]


async def joined(frames: int = 2) -> tuple[Shard, RedisSession]:
    shard = Shard(
        Address.parse("redis://127.0.0.1:1/0"), "0", token="t", timings=Timings(tick_s=0.0)
    )
    session = RedisSession(
        SessionOptions("a"), KEY, generation=3, read_to="0-0", resumes_at=0, answer_s=1.0,
        wake=lambda: shard._registry.unsent.add(KEY),
    )  # fmt: skip
    shard._registry.add(session)
    for seq in range(frames):
        await session.push(Frame(seq, 0.0, PCM))
    return shard, session


async def written(shard: Shard, answer: Any) -> Taking:
    redis = Taking(answer)
    await shard._input_writer.write(cast("RedisClient", redis))
    return redis


@pytest.mark.parametrize("answer", [b"3-1", THERE])
async def test_what_redis_has_is_not_sent_again(answer: Any) -> None:
    shard, session = await joined()
    (commands,) = (await written(shard, answer)).transactions
    assert [command[0] for command in commands] == ["XADD"] * 3
    assert [command[6] for command in commands[:2]] == ["3-1", "3-2"]
    assert commands[2][-1] == KEY, "the workers are told behind it"
    assert not session.outbox.unsent()


@pytest.mark.parametrize("answer", [None, WRONG])
async def test_what_redis_has_no_stream_for_is_kept(answer: Any) -> None:
    shard, session = await joined()
    await written(shard, answer)
    assert [entry.seq for entry in session.outbox.unsent()] == [0, 1]


async def test_after_an_error_of_redis_all_is_still_to_be_written() -> None:
    shard, _ = await joined()
    with pytest.raises(ResponseError, match="OOM"):
        await written(shard, OOM)
    assert shard._registry.unsent.take() == {KEY}


async def test_nothing_is_written_of_a_session_that_redis_does_not_know() -> None:
    shard, session = await joined()
    shard._input_writer._lost.missing(session)
    assert (await written(shard, b"3-1")).transactions == []
    assert len(session.outbox.unsent()) == 2


async def test_over_a_new_connection_all_is_said_again_before_anything_else() -> None:
    shard, session = await joined()
    await written(shard, b"3-1")
    shard._input_writer.connected()
    assert not session.outbox.unsent(), "said again over the first connection"
    with pytest.raises(ConnectionError, match="connected anew"):
        shard._input_writer.connected()
    shard._input_writer.connected()
    assert [entry.seq for entry in session.outbox.unsent()] == [0, 1]
    session.end(CloseReason.CLIENT)
