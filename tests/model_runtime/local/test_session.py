"""A session that loses its server counts on, and says again what nobody has settled."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.local.messages import Kind, Message
from interject.model_runtime.local.outbox import MAX_CONTROLS, MAX_FRAMES
from interject.model_runtime.local.session import LocalSession
from interject.model_runtime.protocol import (
    MAX_UNREAD_EVENTS,
    Cause,
    Closed,
    CloseReason,
    Decision,
    Emotion,
    EndReason,
    Event,
    FloorMode,
    Frame,
    Gap,
    GapReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    RuntimeBusy,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)
from interject.model_runtime.remote import options_codec, wire
from tests.contract.runtime_contract import until_closed
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from collections.abc import Callable

SOUND = frames(noise(4.0))


def nothing() -> None:
    """Nobody is woken."""


@pytest.fixture
async def session() -> LocalSession:
    return opened()


def opened(options: SessionOptions | None = None) -> LocalSession:
    """A session that a server has taken."""
    session = LocalSession(options or SessionOptions("a"), 1, answer_s=30.0, wake=nothing)
    open_again(session)
    return session


def open_again(session: LocalSession) -> SessionOptions:
    """Be the server that takes it; returns what it was opened with."""
    (message,) = session.outgoing()
    assert message.kind is Kind.OPEN
    hear(session, wire.Opened())
    return options_codec.decode_options(message.fields[b"d"])


def hear(session: LocalSession, *outputs: wire.Output) -> None:
    """Be the server that says this."""
    for output in outputs:
        session.receive(wire.encode(output))


async def test_a_close_that_nobody_confirms_is_one_all_the_same() -> None:
    session = LocalSession(SessionOptions("a"), 1, answer_s=30.0, close_s=0.0, wake=nothing)
    open_again(session)
    await session.close()
    assert not session.closed.is_set()
    assert [event async for event in session.events()] == [Closed("a", CloseReason.CLIENT)]
    assert wire.Close(CloseReason.CLIENT) in sent(session)


def sent(session: LocalSession) -> list[wire.Input]:
    """What the server gets."""
    return [wire.decode_input(message.fields) for message in session.outgoing()]


def seqs(items: list[wire.Input]) -> list[int]:
    return [item.seq for item in items if isinstance(item, Frame)]


def decision(seq: int) -> Decision:
    return Decision("a", seq, 0.0, 0.0, 0.0, 0.5, False, FloorMode.SPEAK)


def started(reply_id: int, seq: int, cause: Cause = Cause.MODEL) -> ReplyStarted:
    return ReplyStarted("a", reply_id, seq, Emotion.NORMAL, cause, FloorMode.SPEAK)


async def events_of(session: LocalSession) -> list[Event]:
    """Everything so far, but the end."""
    session.end(CloseReason.SHUTDOWN)
    return (await until_closed(session))[:-1]


async def test_undecided_frames_are_said_again_and_counted_on(session: LocalSession) -> None:
    for frame in SOUND[:4]:
        await session.push(frame)
    assert seqs(sent(session)) == [0, 1, 2, 3]
    hear(session, decision(0), decision(1))
    session.lost()
    await session.push(SOUND[4])
    open_again(session)
    again = sent(session)
    assert seqs(again) == [0, 1, 2]
    assert [item.pcm for item in again if isinstance(item, Frame)] == [f.pcm for f in SOUND[2:5]]
    hear(session, *(decision(seq) for seq in range(3)))
    assert [e.seq for e in await events_of(session) if isinstance(e, Decision)] == [0, 1, 2, 3, 4]


async def test_a_reply_in_progress_is_cancelled(session: LocalSession) -> None:
    hear(session, decision(0), started(0, 0), ReplyDelta("a", 0, (1, 2), "one "))
    session.lost()
    open_again(session)
    hear(session, started(0, -1, Cause.SAY), ReplyEnded("a", 0, EndReason.COMPLETE, "two", 1))
    assert await events_of(session) == [
        decision(0),
        started(0, 0),
        ReplyDelta("a", 0, (1, 2), "one "),
        ReplyEnded("a", 0, EndReason.CANCELLED, "one ", 2),
        started(1, 0, Cause.SAY),
        ReplyEnded("a", 1, EndReason.COMPLETE, "two", 1),
    ]


async def test_what_concerns_a_lost_memory_is_not_said_to_the_next(session: LocalSession) -> None:
    hear(session, started(0, -1), ReplyEnded("a", 0, EndReason.COMPLETE, "one", 1))
    session.lost()
    open_again(session)
    await session.cancel(0, heard_chars=1)
    await session.heard(0, chars=1)
    hear(session, started(0, -1))
    await session.heard(1, chars=2)
    assert sent(session) == [wire.Heard(0, 2)]


async def test_settings_are_in_the_options_of_the_next_server(session: LocalSession) -> None:
    await session.update(threshold=0.25, mode=FloorMode.ASSIST)
    assert sent(session) == [wire.Update(0.25, FloorMode.ASSIST)]
    session.lost()
    assert open_again(session) == SessionOptions("a", threshold=0.25, mode=FloorMode.ASSIST)
    assert sent(session) == []


async def ask(session: LocalSession, text: str, *, answer: bool = True) -> asyncio.Task[None]:
    """Type text; it waits for the server's answer."""
    asking = asyncio.create_task(session.text_turn(text, answer=answer))
    await asyncio.sleep(0)
    return asking


def number_of(message: Message) -> str:
    return str(message.number)


async def test_requests_are_said_again_until_their_reply_begins(session: LocalSession) -> None:
    known = await ask(session, "for your information", answer=False)
    begun, unbegun = await ask(session, "what?"), await ask(session, "why?")
    await session.answer_now()
    hear(session, *(wire.Answer(number_of(m)) for m in session.outgoing()))
    await asyncio.gather(known, begun, unbegun)
    hear(session, started(0, -1, Cause.TEXT_TURN))
    session.lost()
    open_again(session)
    assert sent(session) == [wire.TextTurn("why?"), wire.AnswerNow()]


async def test_a_question_waits_for_the_next_server(session: LocalSession) -> None:
    asking = await ask(session, "what?")
    list(session.outgoing())
    session.lost()
    open_again(session)
    (message,) = session.outgoing()
    hear(session, wire.Answer(number_of(message), "there is no text to put in"))
    with pytest.raises(RuntimeFailure, match="no text"):
        await asking
    session.lost()
    open_again(session)
    assert sent(session) == []


async def test_the_end_of_the_sound_is_said_again(session: LocalSession) -> None:
    await session.push(SOUND[0])
    await session.finish()
    list(session.outgoing())
    session.lost()
    open_again(session)
    assert [type(item) for item in sent(session)] == [Frame, wire.Finish]


async def test_holes_are_reported_once(session: LocalSession) -> None:
    hole = Gap("a", 1, 2, GapReason.MISSING)
    for seq in (0, 3, 4):
        await session.push(SOUND[seq])
    list(session.outgoing())
    hear(session, hole)
    session.lost()
    open_again(session)
    assert seqs(sent(session)) == [0, 3, 4]
    hear(session, hole, decision(0), decision(3))
    session.lost()
    open_again(session)
    assert seqs(sent(session)) == [0]
    hear(session, decision(0))
    assert await events_of(session) == [hole, decision(0), decision(3), decision(4)]


async def test_a_repeated_frame_is_not_sent(session: LocalSession) -> None:
    hear(session, decision(0), Gap("a", 1, 2, GapReason.MISSING))
    for seq in (0, 2, 3):
        await session.push(SOUND[seq])
    assert seqs(sent(session)) == [3]


async def test_the_oldest_frames_leave_a_long_outage() -> None:
    session = LocalSession(SessionOptions("a"), 1, answer_s=30.0, wake=nothing)
    open_again(session)
    session.lost()
    pcm = SOUND[0].pcm
    for seq in range(MAX_FRAMES + 5):
        await session.push(Frame(seq, 0.4 * seq, pcm))
    open_again(session)
    assert seqs(sent(session)) == list(range(5, MAX_FRAMES + 5))


async def flood(session: LocalSession) -> None:
    with contextlib.suppress(SessionClosed):
        for _ in range(MAX_CONTROLS + 1):
            await session.answer_now()


async def flood_an_outage(session: LocalSession) -> None:
    session.lost()
    await flood(session)


async def read_nothing(session: LocalSession) -> None:
    for seq in range(MAX_UNREAD_EVENTS):
        hear(session, decision(seq))


async def say_nothing(session: LocalSession) -> None:
    session.lost()
    open_again(session)
    session.lost()
    list(session.outgoing())
    hear(session, wire.Opened("all 2 slots are taken"))


@pytest.mark.parametrize(
    ("trouble", "detail"),
    [
        (flood, "too much waits"),
        (flood_an_outage, "too much waits"),
        (read_nothing, "8192 events were not read"),
        (say_nothing, "all 2 slots are taken"),
    ],
)
async def test_trouble_ends_a_session(
    session: LocalSession, trouble: Callable[[LocalSession], asyncio.Future[None]], detail: str
) -> None:
    await trouble(session)
    closed = (await until_closed(session))[-1]
    assert isinstance(closed, Closed)
    assert closed.reason is CloseReason.FAILURE
    assert detail in closed.detail
    list(session.outgoing())
    assert session.done
    with pytest.raises(SessionClosed):
        await session.push(SOUND[0])


async def test_a_full_server_is_busy() -> None:
    session = LocalSession(SessionOptions("a"), 1, answer_s=30.0, wake=nothing)
    list(session.outgoing())
    session.receive(wire.encode(wire.Opened("all 2 slots are taken")) | {b"r": b"5.0"})
    with pytest.raises(RuntimeBusy) as caught:
        await session.opened
    assert caught.value.retry_after_s == 5.0


async def test_a_session_that_was_closing_is_closed(session: LocalSession) -> None:
    await session.close()
    assert sent(session) == [wire.Close()]
    session.lost()
    assert await until_closed(session) == [Closed("a", CloseReason.CLIENT)]


async def test_a_silent_server_is_given_up() -> None:
    session = LocalSession(SessionOptions("a"), 1, answer_s=0.0, wake=nothing)
    open_again(session)
    with pytest.raises(RuntimeFailure, match="no answer"):
        await session.say("Hello?")
    assert sent(session) == []
