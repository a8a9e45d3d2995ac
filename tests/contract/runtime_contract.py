"""The tests that any runtime must pass. Subclass, and provide a `runtime` fixture with 2 slots."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, TypeVar

import pytest

from interject.model_runtime.protocol import (
    Cause,
    Closed,
    CloseReason,
    Decision,
    Emotion,
    EndReason,
    FloorMode,
    Frame,
    Gap,
    GapReason,
    InvalidInput,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    RuntimeBusy,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
    Speaker,
)
from tests.model_runtime.alike import assert_same_decisions
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from interject.model_runtime.protocol import Event, Runtime, RuntimeSession

DEADLINE_S = 120.0
SHORT_S = 4.8
"""No slot is full before. When it first is depends on the session's id, and logits follow."""
T = TypeVar("T")


async def until_closed(session: RuntimeSession) -> list[Event]:
    """Every event of a session that ends by itself."""
    async with asyncio.timeout(DEADLINE_S):
        return [event async for event in session.events()]


async def heard(session: RuntimeSession, sound: list[Frame]) -> list[Event]:
    """Push everything, then read everything."""
    for frame in sound:
        await session.push(frame)
    await session.finish()
    return await until_closed(session)


def of(kind: type[T], events: list[Event]) -> list[T]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


class RuntimeContract:
    """What the protocol promises, seen from outside."""

    async def test_frames_become_decisions_and_replies(self, runtime: Runtime) -> None:
        session = await runtime.open(SessionOptions("a", max_reply_tokens=6))
        events = await heard(session, frames(noise(12.0)))
        decisions = of(Decision, events)
        assert [d.seq for d in decisions] == list(range(30))
        assert {d.respond for d in decisions} == {True, False}
        assert all(d.session_id == "a" and d.queued_s >= 0 for d in decisions)
        started, ended = of(ReplyStarted, events), of(ReplyEnded, events)
        assert [s.reply_id for s in started] == [e.reply_id for e in ended]
        assert len(started) == sum(d.respond for d in decisions)
        for end in ended:
            deltas = [d for d in of(ReplyDelta, events) if d.reply_id == end.reply_id]
            assert "".join(d.text for d in deltas) == end.text
        assert events[-1] == Closed("a", CloseReason.CLIENT)
        assert len(of(Closed, events)) == 1

    async def test_a_reply_belongs_behind_its_decision(self, runtime: Runtime) -> None:
        session = await runtime.open(SessionOptions("a", threshold=0.0, max_reply_tokens=4))
        latest = -1
        for event in await heard(session, frames(noise(4.0))):
            if isinstance(event, Decision):
                latest = event.seq
            elif isinstance(event, ReplyStarted):
                assert event.seq == latest

    async def test_the_same_sound_gives_the_same_events(self, runtime: Runtime) -> None:
        runs = []
        for name in ("a", "b"):
            session = await runtime.open(SessionOptions(name, max_reply_tokens=6))
            events = await heard(session, frames(noise(SHORT_S)))
            runs.append([(d.seq, d.respond) for d in of(Decision, events)])
            runs[-1] += [(e.reply_id, e.text) for e in of(ReplyEnded, events)]  # type: ignore[misc]
        assert runs[0] == runs[1]

    async def test_two_sessions_at_once_do_not_mix(self, runtime: Runtime) -> None:
        first = await runtime.open(SessionOptions("a", max_reply_tokens=6))
        second = await runtime.open(SessionOptions("b", max_reply_tokens=6))
        both = await asyncio.gather(
            heard(first, frames(noise(SHORT_S, seed=1))),
            heard(second, frames(noise(SHORT_S, seed=2))),
        )
        for name, events in zip("ab", both, strict=True):
            assert {event.session_id for event in events} == {name}
        alone = await runtime.open(SessionOptions("c", max_reply_tokens=6))
        again = of(Decision, await heard(alone, frames(noise(SHORT_S, seed=1))))
        assert_same_decisions(of(Decision, both[0]), again, small_model().config)

    async def test_gaps_and_repeats(self, runtime: Runtime) -> None:
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        sound = frames(noise(4.0))
        events = await heard(session, [sound[k] for k in (0, 0, 3, 1, 4)])
        assert of(Gap, events) == [Gap("a", 1, 2, GapReason.MISSING)]
        assert [d.seq for d in of(Decision, events)] == [0, 3, 4]

    async def test_speakers_and_capture_time_come_back(self, runtime: Runtime) -> None:
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        frame = frames(noise(0.4))[0]
        speakers = (Speaker("guest-7", -18.25),)
        events = await heard(session, [Frame(0, 99.5, frame.pcm, b"", speakers)])
        decision = of(Decision, events)[0]
        assert decision.speakers == speakers
        assert decision.captured_at == 99.5

    async def test_forced_replies(self, runtime: Runtime) -> None:
        session = await runtime.open(SessionOptions("a", threshold=1.0, max_reply_tokens=4))
        await session.say("Hello, Zoë.", emotion=Emotion.HAPPY)
        await session.text_turn("What is this?")
        await session.answer_now()
        await session.text_turn("For your information.", answer=False)
        events = await heard(session, frames(noise(0.8)))
        started = of(ReplyStarted, events)
        assert [s.cause for s in started] == [Cause.SAY, Cause.TEXT_TURN, Cause.ANSWER_NOW]
        assert started[0].emotion is Emotion.HAPPY
        assert of(ReplyEnded, events)[0].text == "Hello, Zoë."
        assert of(ReplyEnded, events)[0].reason is EndReason.COMPLETE

    async def test_cancel_keeps_only_what_was_heard(self, runtime: Runtime) -> None:
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        await session.say("one two three four")
        stream = session.events()
        ends: list[ReplyEnded] = []
        async with asyncio.timeout(DEADLINE_S):
            while not ends:
                ends += of(ReplyEnded, [await anext(stream)])
        await session.heard(0, chars=len("one"))
        await session.cancel(0, heard_chars=len("one two"))
        ends += of(ReplyEnded, await heard(session, frames(noise(0.8))))
        assert [(e.reason, e.text) for e in ends] == [
            (EndReason.COMPLETE, "one two three four"),
            (EndReason.CANCELLED, "one two"),
        ]

    async def test_settings_change_while_live(self, runtime: Runtime) -> None:
        session = await runtime.open(SessionOptions("a", threshold=1.0, max_reply_tokens=2))
        sound = frames(noise(1.2))
        stream = session.events()
        async with asyncio.timeout(DEADLINE_S):
            await session.push(sound[0])
            first = await anext(stream)
            await session.update(threshold=0.0, mode=FloorMode.ASSIST)
            await session.push(sound[1])
            second = await anext(stream)
        assert isinstance(first, Decision)
        assert isinstance(second, Decision)
        assert (first.respond, first.mode) == (False, FloorMode.SPEAK)
        assert (second.respond, second.mode) == (True, FloorMode.ASSIST)
        await session.close()

    async def test_a_full_runtime_is_busy_and_a_close_makes_room(self, runtime: Runtime) -> None:
        first = await runtime.open(SessionOptions("a"))
        await runtime.open(SessionOptions("b"))
        with pytest.raises(RuntimeBusy) as caught:
            await runtime.open(SessionOptions("c"))
        assert caught.value.retry_after_s > 0
        await first.close()
        events = await until_closed(first)
        assert events[-1] == Closed("a", CloseReason.CLIENT)
        third = await runtime.open(SessionOptions("c"))
        await third.close()

    async def test_an_id_in_use_is_refused(self, runtime: Runtime) -> None:
        await runtime.open(SessionOptions("a"))
        with pytest.raises(RuntimeFailure, match="a is open already"):
            await runtime.open(SessionOptions("a"))

    async def test_nothing_can_be_put_into_a_closed_session(self, runtime: Runtime) -> None:
        session = await runtime.open(SessionOptions("a"))
        await session.close()
        await until_closed(session)
        with pytest.raises(SessionClosed):
            await session.push(frames(noise(0.4))[0])
        with pytest.raises(SessionClosed):
            await session.say("too late")
        await session.close()

    async def test_refused_text_does_not_end_the_session(self, runtime: Runtime) -> None:
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        with pytest.raises(RuntimeFailure, match="no text"):
            await session.say("")
        assert len(of(Decision, await heard(session, frames(noise(0.8))))) == 2

    async def test_what_is_out_of_range_is_refused_and_does_not_end_the_session(
        self, runtime: Runtime
    ) -> None:
        session = await runtime.open(SessionOptions("a", threshold=1.0))
        for refused in (
            session.say("x" * 8_193),
            session.text_turn("é" * 4_097),
            session.update(threshold=math.nan),
            session.update(threshold=7),
            session.cancel(0, heard_chars=-1),
            session.heard(0, chars=2**31),
        ):
            with pytest.raises(InvalidInput):
                await refused
        assert len(of(Decision, await heard(session, frames(noise(0.8))))) == 2

    async def test_closing_the_runtime_closes_its_sessions(self, runtime: Runtime) -> None:
        session = await runtime.open(SessionOptions("a"))
        await runtime.aclose()
        assert (await until_closed(session))[-1] == Closed("a", CloseReason.SHUTDOWN)
        with pytest.raises(SessionClosed):
            await session.answer_now()
