"""Much is said to Redis at once, and what goes wrong on the way is told."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ConnectionError, ExecAbortError, ResponseError, TimeoutError

from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.connection import LONGEST_WAIT_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.redis.connection import RedisClient
    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

MUCH = bytes(range(256)) * 4_096


@pytest.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[RedisClient]:
    async with aclosing(Address.parse(redis_server.url).client()) as client:
        await client.flushall()
        yield client


async def test_every_command_has_its_answer_and_an_error_is_one(client: RedisClient) -> None:
    answers = await client.exchange(
        [("SET", "a", b"\r\n\x00"), ("INCR", "a"), ("GET", "a"), ("GET", "nothing"), ("ECHO", 7)]
    )
    assert isinstance(answers.pop(1), ResponseError)
    assert answers == [b"OK", b"\r\n\x00", None, b"7"]


async def test_far_more_than_fits_into_the_way(client: RedisClient) -> None:
    names = [f"k{number}" for number in range(16)]
    assert await client.exchange([("SET", name, MUCH) for name in names]) == [b"OK"] * 16
    assert await client.ask(("MGET", *names)) == [MUCH] * 16


async def test_all_of_a_transaction_or_nothing(client: RedisClient) -> None:
    answers = await client.transact([("SET", "a", "x"), ("INCR", "a"), ("APPEND", "a", "y")])
    assert isinstance(answers.pop(1), ResponseError)
    assert answers == [b"OK", 2]
    with pytest.raises(ResponseError, match="unknown command") as trouble:
        await client.transact([("SET", "b", "x"), ("NOSUCH",)])
    assert not isinstance(trouble.value, ExecAbortError)
    assert await client.ask(("EXISTS", "b")) == 0


async def test_an_error_that_is_the_only_answer_is_raised(client: RedisClient) -> None:
    with pytest.raises(ResponseError, match="unknown command"):
        await client.ask(("NOSUCH",))
    assert await client.ask(("PING",)) == b"PONG"


async def test_after_a_lost_connection_there_is_a_new_one(client: RedisClient) -> None:
    number = await client.ask(("CLIENT", "ID"))
    await client.client_kill_filter(_id=number)
    with pytest.raises(ConnectionError):
        await client.ask(("PING",))
    assert await client.ask(("CLIENT", "ID")) != number


async def test_a_redis_that_is_silent_for_too_long_is_not_waited_for(client: RedisClient) -> None:
    with pytest.raises(TimeoutError):
        await client.ask(("BLPOP", "never", 0))
    assert await client.ask(("PING",)) == b"PONG"


async def test_an_answer_that_came_while_this_process_stood_still_is_an_answer(
    client: RedisClient,
) -> None:
    """For longer than Redis may be silent."""
    assert await client.exchange([("PING",)]) == [b"PONG"]
    asked = asyncio.create_task(client.exchange([("PING",)]))
    await asyncio.sleep(0)
    time.sleep(LONGEST_WAIT_S + 0.2)  # noqa: ASYNC251 (so that nothing else runs)
    assert await asked == [b"PONG"]
    assert await client.exchange([("PING",)]) == [b"PONG"]
