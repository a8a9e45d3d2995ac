"""Which of the model's words are taken for somebody's wish, and for whose."""

from __future__ import annotations

import pytest

from interject.agent.floor import Verdict
from interject.integrations.conversation.consent import NOBODY
from interject.integrations.conversation.stop_wish import StopWish
from interject.model_runtime.protocol import (
    Cause,
    Decision,
    Emotion,
    EndReason,
    FloorMode,
    ReplyEnded,
    ReplyStarted,
    Speaker,
)

SENTENCE = "I will stop listening."


class Wishes:
    """A room in which the model replies after chunk 9."""

    def __init__(self, *sentences: str, identity: str | None = None) -> None:
        self.asked_by: list[str] = []
        self.wish = StopWish(sentences or (SENTENCE,), self.asked_by.append, identity=identity)

    def loud(self, seq: int, **levels_dbfs: float) -> None:
        speakers = tuple(Speaker(who, level) for who, level in levels_dbfs.items())
        self.wish.decided(
            Decision("s", seq, 0.4 * seq, 0.0, 0.0, 0.5, False, FloorMode.SPEAK, 0.0, speakers)
        )

    def reply(
        self,
        text: str = SENTENCE,
        *,
        cause: Cause = Cause.MODEL,
        reason: EndReason = EndReason.COMPLETE,
        verdict: Verdict = Verdict.SPEAK,
    ) -> list[str]:
        started = ReplyStarted("s", 0, 9, Emotion.NORMAL, cause, FloorMode.SPEAK)
        self.wish.ended(started, ReplyEnded("s", 0, reason, text, 5), verdict)
        return self.asked_by


@pytest.mark.parametrize("verdict", Verdict)
def test_the_sentence_counts_whatever_the_floor_makes_of_it(verdict: Verdict) -> None:
    assert Wishes().reply(" i will stop listening", verdict=verdict) == [NOBODY]


@pytest.mark.parametrize(
    "text",
    [
        "I will stop listening to that song.",
        "Ann said: I will stop listening.",
        "I will stop listening. I will stop listening.",
        "I will stop.",
        "",
    ],
)
def test_a_near_miss_is_no_wish(text: str) -> None:
    assert Wishes().reply(text) == []


@pytest.mark.parametrize("reason", sorted(set(EndReason) - {EndReason.COMPLETE}))
def test_a_reply_that_was_cut_is_no_wish(reason: EndReason) -> None:
    assert Wishes().reply(reason=reason) == []


def test_what_it_is_made_to_say_is_no_wish_and_what_it_answers_is() -> None:
    assert Wishes().reply(cause=Cause.SAY) == []
    assert Wishes().reply(cause=Cause.TEXT_TURN) == [NOBODY]
    assert Wishes().reply(cause=Cause.ANSWER_NOW) == [NOBODY]


def test_without_a_sentence_there_is_no_wish() -> None:
    asked_by: list[str] = []
    wish = StopWish((), asked_by.append)
    started = ReplyStarted("s", 0, 9, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)
    for text in (SENTENCE, ""):
        wish.ended(started, ReplyEnded("s", 0, EndReason.COMPLETE, text, 5), Verdict.SPEAK)
    assert asked_by == []


def test_who_spoke_for_long_asked_and_not_who_slammed_a_door() -> None:
    room = Wishes()
    for seq in range(6, 9):
        room.loud(seq, ann=-24.0, hum=-66.0)
    room.loud(9, ben=-6.0, hum=-66.0)
    assert room.reply() == ["ann"]


def test_who_spoke_before_or_only_afterwards_has_not_asked() -> None:
    room = Wishes()
    for seq in range(5):
        room.loud(seq, ann=-20.0)
    for seq in range(5, 10):
        room.loud(seq)
    room.loud(10, ben=-20.0)
    assert room.reply() == [NOBODY]


def test_who_spoke_has_not_written() -> None:
    room = Wishes()
    room.loud(9, ann=-20.0)
    assert room.reply(cause=Cause.TEXT_TURN) == [NOBODY]


@pytest.mark.parametrize("cause", [Cause.MODEL, Cause.TEXT_TURN])
def test_the_only_one_who_is_heard_has_asked(cause: Cause) -> None:
    room = Wishes(identity="cat")
    room.loud(9, ann=-20.0)
    assert room.reply(cause=cause) == ["cat"]
