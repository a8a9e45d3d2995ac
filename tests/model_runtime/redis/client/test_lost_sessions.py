"""Sessions that Redis forgot and that no worker brings back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from interject.model_runtime.protocol import CloseReason, SessionOptions
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.lost_sessions import LostSessions
from interject.model_runtime.redis.client.opening import ASK_AGAIN_S, Opening
from interject.model_runtime.redis.client.placement import Placement
from interject.model_runtime.redis.client.session import RedisSession
from interject.model_runtime.redis.client.session_registry import SessionRegistry
from interject.model_runtime.redis.connection import ShardConnection
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.node_resolver import NodeResolver
from interject.model_runtime.redis.requests import OpenVerdict
from interject.model_runtime.redis.timings import Timings
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.redis.connection import Command, RedisClient

ADDRESS, KEYS, TIMINGS = Address.parse("redis://127.0.0.1:1/0"), Keys("0"), Timings()
NAME = "default.a"


class Asked:
    """A Redis that takes every request."""

    def __init__(self) -> None:
        self.numbers: list[bytes] = []

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        for command in commands:
            words = list(command)
            self.numbers.append(cast("bytes", words[words.index(b"r") + 1]))
        return [b"1-0"] * len(commands)


class Loss:
    """A session that Redis does not know, and everything that looks after it."""

    def __init__(self, timings: Timings = TIMINGS) -> None:
        connection = ShardConnection(NodeResolver(ADDRESS, KEYS))
        self.clock, self.redis, self.registry = FakeClock(), Asked(), SessionRegistry(TIMINGS)
        self.opening = Opening(ADDRESS, KEYS, connection, token="t", timings=timings)
        placement = Placement(KEYS, connection, self.registry, self.opening, TIMINGS)
        self.lost = LostSessions(self.registry, placement, self.opening, TIMINGS, self.clock)
        self.session = RedisSession(
            SessionOptions("a"), NAME, generation=1, read_to="0-0", resumes_at=0, answer_s=1.0,
            wake=lambda: None,
        )  # fmt: skip
        self.registry.add(self.session)
        self.lost.missing(self.session)

    async def asked(self) -> int:
        """How often workers have been asked by now."""
        await self.lost.ask_again(cast("RedisClient", self.redis))
        return len(self.redis.numbers)

    async def answer(self, verdict: OpenVerdict) -> None:
        fields = {
            b"r": self.redis.numbers[-1], b"a": verdict.value, b"g": b"4", b"l": b"9-0",
            b"p": b"30000", b"e": b"",
        }  # fmt: skip
        self.opening.hear(fields)
        await asyncio.sleep(0)


@pytest.fixture
async def loss() -> Loss:
    return Loss()


async def test_a_session_is_asked_for_when_it_was_missed_for_long_enough(loss: Loss) -> None:
    assert await loss.asked() == 0
    loss.clock.advance(TIMINGS.lost_s + 0.1)
    assert await loss.asked() == 1
    assert await loss.asked() == 1, "asked at every beat"
    loss.clock.advance(ASK_AGAIN_S + 0.1)
    assert await loss.asked() == 2
    assert len(set(loss.redis.numbers)) == 1, "under another number"
    assert loss.lost.is_asked_for(loss.session)


async def test_it_begins_again_where_a_worker_takes_it(loss: Loss) -> None:
    loss.clock.advance(TIMINGS.lost_s + 0.1)
    await loss.asked()
    await loss.answer(OpenVerdict.PLACED)
    assert (loss.session.generation, loss.session.read_to) == (4, "9-0")
    assert not loss.lost.is_missing(loss.session)
    assert not loss.lost.is_asked_for(loss.session)


async def test_it_is_asked_for_anew_where_every_slot_is_taken(loss: Loss) -> None:
    loss.clock.advance(TIMINGS.lost_s + 0.1)
    await loss.asked()
    await loss.answer(OpenVerdict.BUSY)
    assert loss.session.generation == 1
    loss.clock.advance(ASK_AGAIN_S + 0.1)
    assert await loss.asked() == 2
    assert len(set(loss.redis.numbers)) == 2


async def test_one_that_redis_knows_again_is_not_asked_for(loss: Loss) -> None:
    loss.lost.found(loss.session)
    loss.clock.advance(TIMINGS.lost_s + 0.1)
    assert await loss.asked() == 0


async def test_one_that_ended_meanwhile_is_turned_down_when_a_worker_takes_it(loss: Loss) -> None:
    loss.clock.advance(TIMINGS.lost_s + 0.1)
    await loss.asked()
    loss.session.end(CloseReason.CLIENT)
    loss.registry.drop(loss.session)
    assert await loss.asked() == 1
    assert not loss.lost.is_asked_for(loss.session)
    await loss.answer(OpenVerdict.PLACED)
    successor = loss.registry.sessions[NAME]
    assert (successor.generation, successor.ending) == (4, True)
    successor.end(CloseReason.CLIENT)


async def test_nothing_is_kept_of_one_that_ended_and_that_no_worker_answered_for() -> None:
    loss = Loss(replace(TIMINGS, open_s=0.0))
    loss.clock.advance(TIMINGS.lost_s + 0.1)
    await loss.asked()
    loss.session.end(CloseReason.CLIENT)
    await loss.asked()
    await asyncio.sleep(0.01)
    assert loss.opening._asked == {}
