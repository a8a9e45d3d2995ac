"""What comes twice while it is shown is one card, and counts."""

from __future__ import annotations

import pytest

from interject.agent.cues.stack import MOST_CARDS, CueStack
from interject.agent.outputs import Cue
from interject.model_runtime.protocol import Emotion
from tests.fakes.clock import FakeClock


def cue(number: int, text: str, *, priority: int = 500, category: str = "note") -> Cue:
    emotion = Emotion.URGENT if priority == 1_000 else Emotion.NORMAL
    return Cue("s", f"s-{number}", category, priority, text, emotion, number, 10.0, 40.0)


def seen(one: Cue) -> tuple[str, int, int]:
    return one.id, one.count, one.chunk


@pytest.mark.parametrize("again", ["The alarm!", "the  alarm", "The alarm."])
def test_the_same_words_before_the_card_has_expired_are_that_card_again(again: str) -> None:
    clock = FakeClock()
    stack = CueStack(clock)
    assert seen(stack.add(cue(1, "The alarm."))) == ("s-1", 1, 1)
    clock.advance(29.0)
    assert seen(stack.add(cue(2, again))) == ("s-1", 2, 2)
    clock.advance(29.0)
    assert seen(stack.add(cue(3, again))) == ("s-1", 3, 3), "its life began anew"
    clock.advance(30.0)
    assert seen(stack.add(cue(4, again))) == ("s-4", 1, 4)


def test_other_words_or_another_category_are_another_card() -> None:
    stack = CueStack(FakeClock())
    texts = [cue(1, "The alarm."), cue(2, "An alarm."), cue(3, "The alarm.", category="risk")]
    assert [stack.add(one).id for one in texts] == ["s-1", "s-2", "s-3"]


def test_what_was_urgent_once_stays_so_and_what_becomes_urgent_is() -> None:
    stack = CueStack(FakeClock())
    stack.add(cue(1, "Smoke."))
    for number, priority in ((2, 1_000), (3, 500)):
        again = stack.add(cue(number, "Smoke.", priority=priority))
        assert (again.priority, again.emotion) == (1_000, Emotion.URGENT)


def test_only_so_many_are_remembered() -> None:
    stack = CueStack(FakeClock())
    for number in range(2 * MOST_CARDS):
        stack.add(cue(number, f"card {number}"))
    assert stack.add(cue(9_999, "card 0")).count == 1
    assert stack.add(cue(9_999, f"card {2 * MOST_CARDS - 1}")).count == 2
