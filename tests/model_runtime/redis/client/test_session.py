"""A client's session whose worker and Redis died together, or whose last client did."""

from __future__ import annotations

import asyncio

import pytest

from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
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
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)
from interject.model_runtime.redis.client.outbox import MAX_UNSENT
from interject.model_runtime.redis.client.session import RedisSession
from interject.model_runtime.remote import wire

PCM = bytes(FRAME_SAMPLES * 2)


def session(resumes_at: int = 0) -> RedisSession:
    return RedisSession(
        SessionOptions("a"),
        "key",
        generation=1,
        read_to="0-0",
        resumes_at=resumes_at,
        answer_s=60.0,
        wake=lambda: None,
    )


def tell(told: RedisSession, *outputs: wire.Output, epoch: int = 7) -> None:
    """As a worker writes it, from the session's newest entry on."""
    for output in outputs:
        number = int(told.read_to.partition("-")[2]) + 1
        told.receive(f"{epoch}-{number}", wire.encode(output))


def decision(seq: int) -> Decision:
    return Decision("a", seq, 0.0, 0.0, 0.0, 0.5, False, FloorMode.SPEAK)


def started(reply_id: int, seq: int) -> ReplyStarted:
    return ReplyStarted("a", reply_id, seq, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)


def frame(seq: int) -> Frame:
    return Frame(seq, 0.0, PCM)


def events(told: RedisSession) -> list[Event]:
    return [told._events.get_nowait()[1] for _ in range(told._events.qsize())]


def sent(told: RedisSession) -> list[wire.Input]:
    return [wire.decode_input(fields) for _, fields in told.unsent_entries()]


async def test_another_worker_counts_from_0_and_nobody_notices() -> None:
    a = session()
    for seq in range(5):
        await a.push(frame(seq))
    a.outbox.sent(5)
    tell(a, decision(0), decision(1), started(0, 1), ReplyDelta("a", 0, (1, 2), "Mind"))
    a.begin_again(1, "0-0")
    assert sent(a) == [frame(0), frame(1), frame(2)]
    tell(a, wire.Opened(), decision(0), started(0, 0), decision(1), decision(2), epoch=9)
    assert events(a) == [
        decision(0), decision(1), started(0, 1), ReplyDelta("a", 0, (1, 2), "Mind"),
        ReplyEnded("a", 0, EndReason.CANCELLED, "Mind", 2),
        decision(2), started(1, 2), decision(3), decision(4),
    ]  # fmt: skip
    await a.heard(0, chars=4)
    await a.heard(1, chars=2)
    assert sent(a)[-1] == wire.Heard(0, 2)
    assert not [item for item in sent(a) if item == wire.Heard(0, 4)]


async def test_what_is_not_kept_any_more_is_a_gap() -> None:
    a = session()
    for seq in range(60):
        await a.push(frame(seq))
    a.begin_again(1, "0-0")
    first = sent(a)[0]
    assert isinstance(first, Frame)
    tell(a, Gap("a", 0, first.seq, GapReason.MISSING), decision(first.seq))
    assert events(a) == [Gap("a", 0, 10, GapReason.MISSING), decision(10)]


async def test_what_was_said_and_set_before_holds_for_the_next_worker() -> None:
    a = session()
    await a.update(threshold=0.25, mode=FloorMode.ASSIST)
    await a.finish()
    a.outbox.sent(2)
    a.outbox.acknowledged(2)
    a.begin_again(1, "0-0")
    assert (a.options.threshold, a.options.mode) == (0.25, FloorMode.ASSIST)
    assert sent(a) == [wire.Finish()]


async def test_whoever_waits_for_a_worker_that_is_gone_is_told() -> None:
    a = session()
    answered = a._asked["1-9"] = a.opened
    a.begin_again(1, "0-0")
    with pytest.raises(RuntimeFailure, match="the worker that was asked is gone"):
        await answered


async def test_a_client_that_comes_back_counts_from_0() -> None:
    a = session(resumes_at=10)
    await a.push(frame(0))
    assert sent(a) == [frame(10)]
    tell(a, decision(8), Gap("a", 9, 2, GapReason.MISSING), started(3, 8), decision(11))
    assert events(a) == [Gap("a", 0, 1, GapReason.MISSING), started(3, -1), decision(1)]


async def test_a_reply_ends_before_its_session_does() -> None:
    a = session()
    tell(a, started(0, 1), ReplyDelta("a", 0, (1, 2), "Mind"))
    a.end(CloseReason.FAILURE, "Redis is away")
    assert events(a)[2:] == [
        ReplyEnded("a", 0, EndReason.CANCELLED, "Mind", 2),
        Closed("a", CloseReason.FAILURE, "Redis is away"),
    ]


async def test_what_is_one_too_much_while_redis_is_away_is_refused_at_once() -> None:
    a = session()
    for _ in range(MAX_UNSENT):
        await a.heard(0, chars=1)
    with pytest.raises(SessionClosed):
        async with asyncio.timeout(5.0):
            await a.say("Mind the step.")
