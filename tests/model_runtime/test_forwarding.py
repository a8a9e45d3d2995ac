from __future__ import annotations

import pytest

from interject.model_runtime.forwarding import ForwardingSession
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    SAMPLE_BYTES,
    Closed,
    CloseReason,
    Decision,
    Emotion,
    FloorMode,
    Frame,
    ReplyDelta,
    ReplyStarted,
    SessionClosed,
    SessionOptions,
)
from tests.fakes.runtime import Cancelled, FakeRuntimeSession

FRAME = Frame(0, 0.0, bytes(FRAME_SAMPLES * SAMPLE_BYTES))


def both() -> tuple[ForwardingSession, FakeRuntimeSession]:
    inner = FakeRuntimeSession(SessionOptions("kitchen"), {}, deciding=True)
    return ForwardingSession(inner), inner


async def test_what_goes_in_reaches_the_inner_session() -> None:
    session, inner = both()
    assert session.session_id == "kitchen"
    await session.push(FRAME)
    await session.cancel(3, heard_chars=4)
    await session.heard(5, chars=6)
    await session.update(threshold=0.7, mode=FloorMode.ASSIST)
    assert inner.frames == [FRAME]
    assert inner.cancelled == [Cancelled(3, 4)]
    assert inner.heard_reports == [(5, 6)]
    assert inner.updates == [(0.7, FloorMode.ASSIST)]


async def test_what_is_asked_for_comes_back_as_events() -> None:
    session, _ = both()
    await session.push(FRAME)
    await session.text_turn("quietly", answer=False)
    await session.text_turn("lights")
    await session.say("Fire", emotion=Emotion.URGENT)
    await session.answer_now()
    await session.finish()
    events = [event async for event in session.events()]
    assert isinstance(events[0], Decision)
    assert events[-1] == Closed("kitchen", CloseReason.CLIENT)
    starts = [event for event in events if isinstance(event, ReplyStarted)]
    assert [start.emotion for start in starts] == [Emotion.NORMAL, Emotion.URGENT, Emotion.NORMAL]
    text = "".join(event.text for event in events if isinstance(event, ReplyDelta))
    assert text == "You wrote lights.FireAll right."


async def test_a_refusal_of_the_inner_session_reaches_the_caller() -> None:
    session, _ = both()
    await session.close()
    with pytest.raises(SessionClosed):
        await session.push(FRAME)
