"""Who asked for a reply gets it, in order, or learns why there is none."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from interject.integrations.conversation.reply_requests import (
    MAX_WAITING,
    ReplyRequest,
    ReplyRequests,
)
from interject.integrations.conversation.runtime_connection import RuntimeConnection
from interject.integrations.conversation.text_turns import TextTurns
from interject.model_runtime.protocol import Cause, RuntimeFailure, SessionOptions
from tests.fakes.connection_notes import Notes
from tests.fakes.runtime import MAX_TEXT_CHARS, FakeRuntime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.protocol import RuntimeSession


class NoAnswer(Exception):
    """A platform's own."""


async def answer(session: RuntimeSession) -> None:
    await session.answer_now()


async def refuse(_session: RuntimeSession) -> None:
    raise RuntimeFailure("this text is too long")


@contextlib.asynccontextmanager
async def asking(
    *, timeout_s: float = 60.0
) -> AsyncIterator[tuple[RuntimeConnection, ReplyRequests[str]]]:
    runtime = FakeRuntime()

    async def opened() -> FakeRuntime:
        return runtime

    connection = RuntimeConnection(opened, lambda name: SessionOptions(name), Notes())
    task = asyncio.create_task(connection.run())
    try:
        yield connection, ReplyRequests(connection, timeout_s=timeout_s, error=NoAnswer)
    finally:
        await connection.close()
        await task


async def test_requests_of_a_cause_are_answered_in_their_order() -> None:
    async with asking() as (_, requests):
        futures = [requests.ask(Cause.ANSWER_NOW, answer) for _ in range(2)]
        assert requests.take(Cause.TEXT_TURN) is None
        for future in futures:
            request = requests.take(Cause.ANSWER_NOW)
            assert request is not None
            assert request.future is future


async def test_what_the_runtime_refuses_or_leaves_unanswered_is_the_platforms_error() -> None:
    async with asking(timeout_s=0.01) as (_, requests):
        with pytest.raises(NoAnswer, match="too long"):
            await requests.ask(Cause.ANSWER_NOW, refuse)
        with pytest.raises(NoAnswer, match=r"within 0\.01 s"):
            await requests.ask(Cause.ANSWER_NOW, answer)


async def test_one_too_many_is_refused_and_an_end_fails_them_all() -> None:
    async with asking() as (_, requests):
        futures = [requests.ask(Cause.ANSWER_NOW, answer) for _ in range(MAX_WAITING)]
        with pytest.raises(NoAnswer, match="less often"):
            requests.ask(Cause.ANSWER_NOW, answer)
        requests.fail("the call is over")
        outcomes = await asyncio.gather(*futures, return_exceptions=True)
    assert {str(outcome) for outcome in outcomes} == {"the call is over"}


async def test_what_nobody_wants_any_more_still_has_its_place() -> None:
    async with asking() as (_, requests):
        future = requests.ask(Cause.ANSWER_NOW, answer)
        requests.abandon(Cause.ANSWER_NOW, "nobody listens")
        with pytest.raises(NoAnswer, match="nobody listens"):
            await future
        request = requests.take(Cause.ANSWER_NOW)
        assert isinstance(request, ReplyRequest)
        assert request.abandoned


async def test_a_text_is_read_or_its_writer_is_told() -> None:
    unread: list[str] = []
    async with asking() as (connection, requests):
        texts = TextTurns(connection, requests, unread.append)
        assert await texts.turn("Good morning.", answer=False, writer="ann") is None
        refused = await texts.turn("x" * (MAX_TEXT_CHARS + 1), answer=False, writer="ben")
    assert "this fake takes fewer" in str(refused)
    assert unread == ["ben"]
