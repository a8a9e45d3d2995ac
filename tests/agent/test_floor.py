from __future__ import annotations

import pytest

from interject.agent.floor import Floor, FloorState, IllegalMove, Verdict, YieldToSpeech, never
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    Cause,
    Emotion,
    FloorMode,
    Frame,
    ReplyStarted,
    Speaker,
)
from tests.fakes.clock import FakeClock


def reply(emotion: Emotion = Emotion.NORMAL, cause: Cause = Cause.MODEL) -> ReplyStarted:
    return ReplyStarted("s", 0, 0, emotion, cause, FloorMode.SPEAK)


def frame(level_dbfs: float) -> Frame:
    return Frame(0, 0.0, bytes(2 * FRAME_SAMPLES), speakers=(Speaker("anna", level_dbfs),))


def test_a_reply_is_spoken_held_and_finished() -> None:
    floor = Floor(FloorMode.SPEAK)
    states = [floor.state]
    assert floor.judge(reply()) is Verdict.SPEAK
    floor.start(Emotion.NORMAL)
    states.append(floor.state)
    assert floor.judge(reply()) is Verdict.WAIT
    floor.hold()
    states.append(floor.state)
    floor.finish()
    floor.start(Emotion.NORMAL, waiting=1)
    states.append(floor.state)
    floor.give_way()
    states.append(floor.state)
    assert floor.judge(reply(Emotion.URGENT)) is Verdict.WAIT
    floor.resume()
    assert [*states, floor.state] == [
        FloorState.LISTENING,
        FloorState.SPEAKING,
        FloorState.HOLDING,
        FloorState.HOLDING,
        FloorState.YIELDED,
        FloorState.LISTENING,
    ]


def test_urgent_interrupts_all_but_urgent() -> None:
    floor = Floor(FloorMode.SPEAK)
    floor.start(Emotion.HAPPY)
    assert floor.judge(reply(Emotion.URGENT)) is Verdict.INTERRUPT
    floor.finish()
    floor.start(Emotion.URGENT)
    assert floor.judge(reply(Emotion.URGENT)) is Verdict.WAIT


@pytest.mark.parametrize("mode", [FloorMode.OBSERVE, FloorMode.ASSIST])
def test_without_the_floor_nothing_is_spoken_however_urgent(mode: FloorMode) -> None:
    floor = Floor(mode)
    assert floor.judge(reply(Emotion.URGENT)) is Verdict.SHOW
    floor.mode = FloorMode.SPEAK
    assert floor.judge(reply(Emotion.URGENT)) is Verdict.SPEAK
    assert Floor(FloorMode.SPEAK, can_speak=False).judge(reply()) is Verdict.SHOW


def test_the_cap_counts_unprompted_replies_of_the_last_minute() -> None:
    clock = FakeClock()
    floor = Floor(FloorMode.SPEAK, unprompted_per_minute=2, clock=clock)
    assert floor.judge(reply()) is Verdict.SPEAK
    clock.advance(30)
    assert floor.judge(reply()) is Verdict.SPEAK
    assert floor.judge(reply()) is Verdict.SUPPRESS
    assert floor.judge(reply(cause=Cause.SAY)) is Verdict.SPEAK
    assert floor.judge(reply(Emotion.URGENT)) is Verdict.SPEAK
    clock.advance(30)
    assert floor.judge(reply()) is Verdict.SUPPRESS
    clock.advance(30)
    assert floor.judge(reply()) is Verdict.SPEAK


def test_a_cap_of_zero_leaves_only_what_was_asked_for() -> None:
    floor = Floor(FloorMode.SPEAK, unprompted_per_minute=0)
    assert floor.judge(reply()) is Verdict.SUPPRESS
    assert floor.judge(reply(cause=Cause.ANSWER_NOW)) is Verdict.SPEAK


@pytest.mark.parametrize("move", ["hold", "finish", "give_way", "resume"])
def test_illegal_moves_name_what_was_expected_and_what_is(move: str) -> None:
    with pytest.raises(IllegalMove, match=r"while listening: expected (speaking|yielded)"):
        getattr(Floor(FloorMode.SPEAK), move)()


def test_speaking_twice_is_illegal() -> None:
    floor = Floor(FloorMode.SPEAK)
    floor.start(Emotion.NORMAL)
    with pytest.raises(IllegalMove) as caught:
        floor.start(Emotion.NORMAL)
    assert caught.value.actual is FloorState.SPEAKING
    assert caught.value.expected == (FloorState.LISTENING,)


def test_yielding_to_speech_takes_a_run_of_loud_frames() -> None:
    policy = YieldToSpeech(level_dbfs=-35, frames=2)
    levels = [-20.0, -40.0, -20.0, -30.0]
    assert [policy(frame(level)) for level in levels] == [False, False, False, True]
    assert not never(frame(0.0))
