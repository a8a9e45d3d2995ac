"""Which cards of a call are shown, by the rules of its profile."""

from __future__ import annotations

from typing import Any

import pytest

from interject.agent.cues.pipeline import CuePipeline
from interject.agent.cues.rules import MOST_REMEMBERED, CueOutcome, CueRules
from interject.agent.outputs import Cue, Posted
from interject.config import Profile
from interject.model_runtime.protocol import Decision, Emotion, EndReason, FloorMode, Speaker
from tests.fakes.clock import FakeClock


def profile(**rules: Any) -> Profile:
    return Profile.model_validate(
        {"name": "p", "system_prompt": "listen", "cue": {"categories": {"offer": rules}}}
    )


def cue(text: str, *, chunk: int = 9, urgent: bool = False, category: str = "offer") -> Cue:
    emotion = Emotion.URGENT if urgent else Emotion.NORMAL
    return Cue("s", f"s-{chunk}", category, 500, text, emotion, chunk, 4.0, 34.0)


def spoke(seq: int, *identities: str) -> Decision:
    speakers = tuple(Speaker(identity, -20.0) for identity in identities)
    return Decision("s", seq, 0.0, 1.0, 0.0, 0.3, False, FloorMode.ASSIST, speakers=speakers)


class Call:
    """A pipeline, and what of it was shown."""

    def __init__(self, *, agents: tuple[str, ...] = (), **rules: Any) -> None:
        self.clock = FakeClock()
        self.present = ["ann"]
        self.cues = CuePipeline(
            profile(**rules), "call", lambda: self.present, agents=agents, clock=self.clock
        )

    def shows(self, text: str, *, after_s: float = 0.0, **changes: Any) -> Cue | None:
        self.clock.advance(after_s)
        known = next(self.cues.add(cue(text, **changes)), None)
        assert known is None or isinstance(known, Cue)
        return known


def test_each_says_whom_it_is_for_at_the_moment_and_posts_pass_as_they_are() -> None:
    call = Call()
    first = call.shows("Smoke.")
    call.present = ["ann", "ben"]
    again = call.shows("Smoke.")
    assert first is not None
    assert again is not None
    assert (first.identities, again.identities) == (("ann",), ("ann", "ben"))
    assert (again.id, again.count) == (first.id, 2)
    posted = Posted("s", 1, 2, 3.0, Emotion.NORMAL, "No card.", EndReason.COMPLETE)
    assert list(call.cues.add(posted)) == [posted]


def test_the_same_card_is_not_shown_again_within_its_cooldown() -> None:
    call = Call(cooldown_s=60)
    assert call.shows("Offer the refund.")
    assert not call.shows("offer the refund!", after_s=59.9)
    assert call.shows("Offer a discount.", after_s=0.0), "these are other words"
    assert call.shows("Offer the refund.", after_s=0.1), "a minute after it was shown"
    assert not call.shows("Offer the refund.", after_s=59.0), "it began anew"


def test_a_cooldown_may_be_the_whole_category_s() -> None:
    call = Call(cooldown_s=60, cooldown_of="category")
    assert call.shows("Offer the refund.")
    assert not call.shows("Offer a discount.", after_s=59.9)
    assert call.shows("Smoke.", category="note"), "of no category that has rules"
    assert call.shows("Offer a discount.", after_s=0.1)


def test_only_so_many_cards_of_a_category_are_shown_in_a_call() -> None:
    call = Call(most_a_call=2)
    assert call.shows("One.")
    assert call.shows("One."), "the same card counts once"
    assert call.shows("Two.")
    assert not call.shows("Three.", after_s=3_600.0)


def test_once_a_call_is_once() -> None:
    call = Call(once_a_call=True)
    assert call.shows("One.")
    assert not call.shows("One.")
    assert not call.shows("Two.", after_s=3_600.0)


@pytest.mark.parametrize(
    ("speaker", "identity", "shown"),
    [
        ("customer", "customer", True),
        ("customer", "agent", False),
        ("customer", "ann", False),
        ("agent", "ann", True),
        ("agent", "ben", False),
        ("both", "ben", True),
    ],
)
def test_whose_words_may_cause_a_card(speaker: str, identity: str, shown: bool) -> None:
    call = Call(speaker=speaker, agents=("ann",))
    call.cues.observe(spoke(3, "somebody long ago"))
    for seq in (7, 8, 9):
        call.cues.observe(spoke(seq, identity))
    call.cues.observe(spoke(10, "somebody afterwards"))
    assert bool(call.shows("Offer the refund.")) == shown


def test_where_nobody_known_spoke_a_rule_about_speakers_says_nothing() -> None:
    call = Call(speaker="agent")
    call.cues.observe(spoke(9))
    assert call.shows("Offer the refund.")


@pytest.mark.parametrize("text", ["We PROMISE, that.", "I promise"])
def test_a_card_with_a_veto_phrase_is_never_shown(text: str) -> None:
    call = Call(veto=["promise", "of course"])
    assert not call.shows(text)
    assert not call.shows(text, urgent=True)
    assert call.shows("A compromise, of a course.")


def test_what_is_urgent_passes_the_other_rules() -> None:
    call = Call(once_a_call=True, most_a_call=1, cooldown_s=60, speaker="agent")
    call.cues.observe(spoke(9, "customer"))
    for number in range(3):
        shown = call.shows("Fire!", urgent=True)
        assert shown is not None
        assert shown.count == number + 1
    assert not call.shows("Fire!")


def test_a_rule_says_which_one_it_was_and_remembers_only_so_much() -> None:
    clock = FakeClock()
    rules = CueRules(profile(cooldown_s=60, veto=["no"]).cue, clock)
    assert rules.judge(cue("Yes."), None, is_again=False) is CueOutcome.SHOWN
    assert rules.judge(cue("Yes."), None, is_again=False) is CueOutcome.COOLDOWN
    assert rules.judge(cue("No."), None, is_again=False) is CueOutcome.VETO
    for number in range(MOST_REMEMBERED):
        rules.judge(cue(f"Card {number}."), None, is_again=False)
    assert rules.judge(cue("Yes."), None, is_again=False) is CueOutcome.SHOWN
