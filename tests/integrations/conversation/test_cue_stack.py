"""What comes twice while it is shown is one card, and counts."""

from __future__ import annotations

import pytest

from interject.agent.outputs import Cue, OutputEvent, Posted
from interject.integrations.conversation.cue_stack import MOST_CARDS, CueStack
from interject.model_runtime.protocol import Emotion, EndReason
from tests.fakes.clock import FakeClock


def cue(number: int, text: str, *, priority: int = 500, category: str = "note") -> Cue:
    emotion = Emotion.URGENT if priority == 1_000 else Emotion.NORMAL
    return Cue("s", f"s-{number}", category, priority, text, emotion, number, 10.0, 40.0)


def put(stack: CueStack, event: OutputEvent) -> Cue:
    added = stack.add(event)
    assert isinstance(added, Cue)
    return added


def seen(one: Cue) -> tuple[str, int, int]:
    return one.id, one.count, one.chunk


@pytest.mark.parametrize("again", ["The alarm!", "the  alarm", "The alarm."])
def test_the_same_words_before_the_card_has_expired_are_that_card_again(again: str) -> None:
    clock = FakeClock()
    stack = CueStack(lambda: [], clock=clock)
    assert seen(put(stack, cue(1, "The alarm."))) == ("s-1", 1, 1)
    clock.advance(29.0)
    assert seen(put(stack, cue(2, again))) == ("s-1", 2, 2)
    clock.advance(29.0)
    assert seen(put(stack, cue(3, again))) == ("s-1", 3, 3), "its life began anew"
    clock.advance(30.0)
    assert seen(put(stack, cue(4, again))) == ("s-4", 1, 4)


def test_other_words_or_another_category_are_another_card() -> None:
    stack = CueStack(lambda: [], clock=FakeClock())
    texts = [cue(1, "The alarm."), cue(2, "An alarm."), cue(3, "The alarm.", category="risk")]
    assert [put(stack, one).id for one in texts] == ["s-1", "s-2", "s-3"]


def test_what_was_urgent_once_stays_so_and_what_becomes_urgent_is() -> None:
    stack = CueStack(lambda: [], clock=FakeClock())
    put(stack, cue(1, "Smoke."))
    for number, priority in ((2, 1_000), (3, 500)):
        again = put(stack, cue(number, "Smoke.", priority=priority))
        assert (again.priority, again.emotion) == (1_000, Emotion.URGENT)


def test_each_says_whom_it_is_for_at_the_moment_and_posts_pass_as_they_are() -> None:
    present = ["ann"]
    stack = CueStack(lambda: present, clock=FakeClock())
    first = put(stack, cue(1, "Smoke."))
    present = ["ann", "ben"]
    assert (first.identities, put(stack, cue(2, "Smoke.")).identities) == (("ann",), ("ann", "ben"))
    posted = Posted("s", 1, 2, 3.0, Emotion.NORMAL, "No card.", EndReason.COMPLETE)
    assert stack.add(posted) is posted


def test_only_so_many_are_remembered() -> None:
    stack = CueStack(lambda: [], clock=FakeClock())
    for number in range(2 * MOST_CARDS):
        put(stack, cue(number, f"card {number}"))
    assert put(stack, cue(9_999, "card 0")).count == 1
    assert put(stack, cue(9_999, f"card {2 * MOST_CARDS - 1}")).count == 2
