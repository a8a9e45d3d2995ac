"""Frames and orders on their way to a runtime that comes and goes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from interject.integrations.conversation.runtime_connection import (
    MAX_COMMANDS,
    MAX_FRAMES,
    CommandsOverflow,
    ReconnectBackoff,
    RuntimeConnection,
)
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    SAMPLE_BYTES,
    Cause,
    Frame,
    Gap,
    ReplyStarted,
    RuntimeBusy,
    RuntimeFailure,
    SessionOptions,
)
from tests.fakes.connection_notes import Notes
from tests.fakes.runtime import FakeRuntime, FakeRuntimeSession, Scripted
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

QUICK = ReconnectBackoff(first_s=0.01, longest_s=0.02, give_up_s=0.05)


class Unsteady(FakeRuntime):
    """Refuses the first times."""

    failures: list[RuntimeFailure]

    async def open(self, options: SessionOptions) -> FakeRuntimeSession:
        if self.failures:
            raise self.failures.pop(0)
        return await super().open(options)


def unsteady(*failures: RuntimeFailure) -> Unsteady:
    runtime = Unsteady()
    runtime.failures = list(failures)
    return runtime


def frame(seq: int) -> Frame:
    return Frame(seq, seq * 0.4, bytes(FRAME_SAMPLES * SAMPLE_BYTES))


def connect(runtime: FakeRuntime, notes: Notes) -> RuntimeConnection:
    async def given() -> FakeRuntime:
        return runtime

    return RuntimeConnection(given, lambda name: SessionOptions(name), notes, backoff=QUICK)


@contextlib.asynccontextmanager
async def running(connection: RuntimeConnection) -> AsyncIterator[None]:
    task = asyncio.create_task(connection.run())
    try:
        yield
    finally:
        await connection.close()
        async with asyncio.timeout(30):
            await task


async def test_what_comes_before_the_runtime_waits_for_it() -> None:
    runtime, notes = FakeRuntime(), Notes()
    connection = connect(runtime, notes)
    connection.frame(frame(0))
    connection.command(lambda session: session.answer_now())
    connection.frame(frame(1))
    async with running(connection):
        await until(lambda: notes.decided() == [0, 1])
        started = next(event for event in notes.events if isinstance(event, ReplyStarted))
        assert (started.cause, started.seq) == (Cause.ANSWER_NOW, 0)


async def test_the_oldest_frames_go_when_the_runtime_stays_away() -> None:
    runtime, notes = FakeRuntime(), Notes()
    connection = connect(runtime, notes)
    for seq in range(MAX_FRAMES + 3):
        connection.frame(frame(seq))
    async with running(connection):
        await until(lambda: len(notes.decided()) == MAX_FRAMES)
        assert notes.decided()[0] == 3
        gap = next(event for event in notes.events if isinstance(event, Gap))
        assert (gap.first_seq, gap.count) == (0, 3)
        assert notes.frames == notes.decided()
        assert connection.dropped_frames == 3


async def test_numbers_go_on_over_a_new_session() -> None:
    runtime, notes = FakeRuntime(script={1: Scripted("Yes.")}), Notes()
    connection = connect(runtime, notes)
    async with running(connection):
        for seq in range(4):
            connection.frame(frame(seq))
        await until(lambda: notes.decided() == [0, 1, 2, 3])
        runtime.sessions[0].break_off("it died")
        await until(lambda: notes.opened == [False, True])
        for seq in range(4, 7):
            connection.frame(frame(seq))
        await until(lambda: notes.decided() == list(range(7)))
        started = [event.seq for event in notes.events if isinstance(event, ReplyStarted)]
        assert started == [1, 5]
        assert notes.frames == list(range(7))
        assert notes.lost == ["it died"]


async def test_orders_about_a_memory_that_is_gone_are_forgotten() -> None:
    runtime, notes = FakeRuntime(), Notes()
    connection = connect(runtime, notes)
    async with running(connection):
        await until(lambda: notes.opened)
        first = connection.session_id
        runtime.sessions[0].break_off("it died")
        await until(lambda: len(runtime.sessions) == 2)
        connection.command(lambda session: session.heard(0, chars=3), session_id=first)
        connection.command(lambda session: session.heard(0, chars=4))
        await until(lambda: runtime.sessions[1].heard_reports)
        assert runtime.sessions[1].heard_reports == [(0, 4)]


async def test_a_full_runtime_is_asked_again() -> None:
    notes = Notes()
    runtime = unsteady(RuntimeBusy("every slot is taken", retry_after_s=0.01))
    async with running(connect(runtime, notes)):
        await until(lambda: notes.opened == [False])


async def test_a_runtime_that_never_was_there_is_an_error_at_once() -> None:
    connection = connect(unsteady(RuntimeFailure("no such model")), Notes())
    with pytest.raises(RuntimeFailure, match="no such model"):
        await connection.run()


async def test_a_runtime_that_stays_full_is_given_up() -> None:
    busy = RuntimeBusy("every slot is taken", retry_after_s=0.02)
    connection = connect(unsteady(*[busy] * 20), Notes())
    with pytest.raises(RuntimeBusy):
        await connection.run()


async def test_an_order_that_is_refused_is_reported_and_the_next_goes_on() -> None:
    runtime, notes = FakeRuntime(), Notes()
    connection = connect(runtime, notes)

    async def refuse(_: object) -> None:
        raise RuntimeFailure("this text is too long")

    connection.command(refuse)
    connection.frame(frame(0))
    async with running(connection):
        await until(lambda: notes.decided() == [0])
        assert notes.refused == ["this text is too long"]


async def test_commands_wait_in_bounds_and_one_too_many_is_refused() -> None:
    connection = connect(FakeRuntime(), Notes())
    for _ in range(MAX_COMMANDS):
        connection.command(lambda session: session.answer_now())
    with pytest.raises(CommandsOverflow, match="too much waits"):
        connection.command(lambda session: session.answer_now())
