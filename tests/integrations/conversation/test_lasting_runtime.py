"""A session that goes on where the runtime's own is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from interject.integrations.conversation.lasting_runtime import LastingRuntime
from interject.integrations.conversation.runtime_connection import ReconnectBackoff
from interject.model_runtime.embedded import EmbeddedRuntime
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    SAMPLE_BYTES,
    Cause,
    Closed,
    CloseReason,
    Decision,
    EndReason,
    FloorMode,
    Frame,
    ReplyEnded,
    ReplyStarted,
    RuntimeBusy,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)
from tests.contract.runtime_contract import RuntimeContract
from tests.fakes.runtime import Cancelled, FakeRuntime, FakeRuntimeSession, Scripted
from tests.model_runtime.worlds import small_model
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.integrations.conversation.lasting_runtime import LastingSession
    from interject.model_runtime.protocol import Event

QUICK = ReconnectBackoff(first_s=0.01, longest_s=0.02, give_up_s=0.05)


@pytest.fixture
async def runtime() -> AsyncIterator[LastingRuntime]:
    async with EmbeddedRuntime(small_model(), slots=2) as embedded:
        yield LastingRuntime(embedded)


class TestLasting(RuntimeContract):
    """The contract of every runtime."""


def frame(seq: int) -> Frame:
    return Frame(seq, seq * 0.4, bytes(FRAME_SAMPLES * SAMPLE_BYTES))


class Follower:
    """Reads all events of a session."""

    def __init__(self, session: LastingSession) -> None:
        self.events: list[Event] = []
        self._session = session
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self._session.events():
            self.events.append(event)

    def decided(self) -> list[int]:
        return [event.seq for event in self.events if isinstance(event, Decision)]

    def ended(self) -> list[ReplyEnded]:
        return [event for event in self.events if isinstance(event, ReplyEnded)]


async def test_a_runtime_that_is_full_says_so_at_once() -> None:
    with pytest.raises(RuntimeBusy):
        await LastingRuntime(FakeRuntime(slots=0)).open(SessionOptions("call"))


async def test_frames_and_replies_are_counted_as_one_session() -> None:
    runtime = FakeRuntime({0: Scripted("One.")})
    session = await LastingRuntime(runtime, backoff=QUICK).open(SessionOptions("call"))
    follower = Follower(session)
    await session.push(frame(0))
    await until(lambda: follower.ended())
    runtime.sessions[0].break_off("the worker died")
    await until(lambda: len(runtime.sessions) == 2)
    await session.push(frame(1))
    await until(lambda: len(follower.ended()) == 2)
    await session.heard(0, chars=3)
    await session.heard(1, chars=4)
    await until(lambda: runtime.sessions[1].heard_reports)
    await session.close()
    await follower.task
    assert follower.decided() == [0, 1]
    assert [(reply.reply_id, reply.session_id) for reply in follower.ended()] == [
        (0, "call"),
        (1, "call"),
    ]
    assert runtime.sessions[1].heard_reports == [(0, 4)]
    assert isinstance(follower.events[-1], Closed)
    assert follower.events[-1].reason is CloseReason.CLIENT


async def test_a_reply_in_progress_ends_with_the_text_that_there_is() -> None:
    runtime = FakeRuntime({0: Scripted("It is ten", whole=False)})
    session = await LastingRuntime(runtime, backoff=QUICK).open(SessionOptions("call"))
    follower = Follower(session)
    await session.push(frame(0))
    await until(lambda: any(isinstance(event, ReplyStarted) for event in follower.events))
    runtime.sessions[0].break_off("the worker died")
    await until(lambda: follower.ended())
    assert follower.ended()[0].text == "It is ten"
    assert follower.ended()[0].reason is EndReason.CANCELLED
    await session.cancel(0, heard_chars=3)
    await session.close()
    assert Cancelled(0, 3) not in runtime.sessions[-1].cancelled


async def test_what_was_switched_holds_for_the_session_that_follows() -> None:
    runtime = FakeRuntime()
    session = await LastingRuntime(runtime, backoff=QUICK).open(SessionOptions("call"))
    await session.update(mode=FloorMode.ASSIST, threshold=0.9)
    runtime.sessions[0].break_off("the worker died")
    await until(lambda: len(runtime.sessions) == 2)
    assert runtime.sessions[1].options.mode is FloorMode.ASSIST
    assert runtime.sessions[1].options.threshold == 0.9
    await session.close()


async def test_a_text_waits_for_the_runtime_and_a_refused_one_is_told() -> None:
    runtime = FakeRuntime()
    session = await LastingRuntime(runtime, backoff=QUICK).open(SessionOptions("call"))
    follower = Follower(session)
    await session.text_turn("hello")
    await until(lambda: follower.ended())
    started = next(event for event in follower.events if isinstance(event, ReplyStarted))
    assert started.cause is Cause.TEXT_TURN
    with pytest.raises(RuntimeFailure, match="characters"):
        await session.text_turn("x" * 2_000)
    await session.close()
    with pytest.raises(SessionClosed):
        await session.text_turn("too late")


async def test_a_runtime_that_stays_away_ends_the_session() -> None:
    runtime = FakeRuntime(slots=1)
    session = await LastingRuntime(runtime, backoff=QUICK).open(SessionOptions("call"))
    follower = Follower(session)
    runtime.sessions[0].break_off("the worker died")
    asking = asyncio.create_task(session.text_turn("hello"))
    await follower.task
    closed = follower.events[-1]
    assert isinstance(closed, Closed)
    assert closed.reason is CloseReason.FAILURE
    with pytest.raises(SessionClosed):
        await asking
    await session.close()


async def test_whoever_watches_the_runtime_sees_a_closed_session_to_its_end() -> None:
    seen: list[Event] = []

    class Watched(FakeRuntime):
        async def open(self, options: SessionOptions) -> FakeRuntimeSession:
            session = await super().open(options)
            told = session.events

            async def events() -> AsyncIterator[Event]:
                async for event in told():
                    seen.append(event)
                    yield event

            session.events = events  # type: ignore[method-assign]
            return session

    session = await LastingRuntime(Watched(), backoff=QUICK).open(SessionOptions("call"))
    await asyncio.sleep(0)
    await session.close()
    assert isinstance(seen[-1], Closed)


async def test_a_finished_session_closes_by_itself() -> None:
    runtime = FakeRuntime()
    session = await LastingRuntime(runtime, backoff=QUICK).open(SessionOptions("call"))
    follower = Follower(session)
    await session.push(frame(0))
    await session.finish()
    await follower.task
    assert follower.decided() == [0]
    assert follower.events[-1] == Closed("call", CloseReason.CLIENT)
