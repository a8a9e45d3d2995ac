"""A card that states a fact is shown with its source, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from interject.agent import Cue, Posted
from interject.agent.cues.pipeline import CuePipeline
from interject.agent.cues.sources import open_sources
from interject.agent.cues.summary import CallSummary
from interject.agent.cues.tagged_runtime import TaggedReply
from interject.agent.floor import Verdict
from interject.agent.outputs import shown_events
from interject.config import Profile, ProfileError, load_profile
from interject.integrations.conversation.cues import cue_message
from interject.integrations.web.webhook_event import webhook_event
from interject.model_runtime.protocol import Cause, Emotion, EndReason, FloorMode, ReplyStarted

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """# Our shop

We are open from 9 to 5.

## Refunds

You can get a refund within 30 days.

Shipping is not refunded.
"""


@pytest.fixture
def shop(tmp_path: Path) -> Profile:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "shop.md").write_text(SHOP, encoding="utf-8")
    path = tmp_path / "shop.yaml"
    path.write_text(
        "extends: call_center_copilot\nnotes: {folder: notes}\n"
        "cue: {categories: {fact: {tag: '[fact]', needs_source: true}}}\n"
    )
    return load_profile(path)


class Call:
    """Replies with tags, as a session makes them, and what of them is made known."""

    def __init__(self, profile: Profile, mode: FloorMode = FloorMode.ASSIST) -> None:
        self.profile = profile
        self.mode = mode
        self.cues = CuePipeline(profile, "call", lambda: ["ann"])
        self.replies = 0

    def reply(self, text: str, *categories: str, emotion: Emotion = Emotion.NORMAL) -> list[Any]:
        started = ReplyStarted("s", self.replies, self.replies, emotion, Cause.MODEL, self.mode)
        ended = TaggedReply("s", self.replies, EndReason.COMPLETE, text, 3, categories)
        self.replies += 1
        known = list(self.cues.replied(started, ended, Verdict.SHOW))
        for event in shown_events(self.profile, self.mode, started, ended):
            known += self.cues.add(event)
        return known

    def summary(self) -> CallSummary:
        *_, summary = self.cues.finish()
        assert isinstance(summary, CallSummary)
        return summary


def test_a_claim_that_stands_in_the_notes_carries_its_source_everywhere(shop: Profile) -> None:
    call = Call(shop)
    (cue,) = call.reply("You can get a refund within thirty days.", "fact")
    assert isinstance(cue, Cue)
    where = 'shop.md, Our shop > Refunds, line 7: "You can get a refund within 30 days."'
    assert cue.sources == (where,)
    assert cue_message(cue, now=0.0).sources == (where,)
    assert webhook_event(cue, now=0.0).model_dump()["data"]["cue"]["sources"] == (where,)
    summary = call.summary()
    assert [(one.became, one.sources) for one in summary.cues] == [("shown", (where,))]
    assert r"(shop.md, Our shop \> Refunds, line 7: " in summary.markdown


@pytest.mark.parametrize(
    "claim",
    [
        "You can get a refund within ninety days.",
        "You cannot get a refund within thirty days.",
        "We are open from nine to six.",
        "Shipping is refunded.",
        "The moon is made of cheese.",
        "Yes.",
    ],
)
@pytest.mark.parametrize("emotion", [Emotion.NORMAL, Emotion.URGENT])
def test_one_that_does_not_is_shown_to_nobody_and_counted(
    shop: Profile, claim: str, emotion: Emotion
) -> None:
    call = Call(shop)
    assert call.reply(claim, "fact", emotion=emotion) == []
    summary = call.summary()
    assert [one.became for one in summary.cues] == ["no_source"]
    assert [one.became for one in summary.replies] == ["withheld"]


@pytest.mark.parametrize(
    "claim",
    ["We are open from nine to five.", "Shipping is not refunded.", "open from 9 to 5"],
)
def test_other_words_for_the_same_numbers_and_the_same_denial_are_enough(
    shop: Profile, claim: str
) -> None:
    (cue,) = Call(shop).reply(claim, "fact")
    assert cue.sources


def test_a_card_of_another_category_needs_none(shop: Profile) -> None:
    (cue,) = Call(shop).reply("The moon is made of cheese.", "question")
    assert cue.sources == ()


def test_what_is_posted_says_where_it_stands_or_is_not_posted(shop: Profile) -> None:
    chatty = shop.model_copy(update={"mode": "observe", "outputs": ("posted",)})
    call = Call(chatty, FloorMode.OBSERVE)
    (post,) = call.reply("We are open from nine to five.", "fact")
    assert isinstance(post, Posted)
    where = 'shop.md, Our shop, line 3: "We are open from 9 to 5."'
    assert post.written == f"We are open from nine to five.\n({where})"
    assert call.reply("We are open all night.", "fact") == []
    assert [one.became for one in call.summary().replies] == ["posted", "withheld"]


def test_without_notes_no_claim_is_shown() -> None:
    settings = {"categories": {"fact": {"needs_source": True}}}
    bare = Profile.model_validate(
        {"name": "x", "system_prompt": "", "mode": "assist", "outputs": ["cue"], "cue": settings}
    )
    assert Call(bare).reply("We are open from nine to five.", "fact") == []


def test_the_floor_is_the_profile_s(shop: Profile) -> None:
    claim = "You can certainly get a full refund within thirty days."
    lenient, strict = (
        shop.model_copy(update={"notes": shop.notes.model_copy(update={"floor": floor})})
        for floor in (0.2, 0.95)
    )
    assert open_sources(lenient).sources_of(claim)
    assert not open_sources(strict).sources_of(claim)


def test_a_folder_without_notes_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    path = tmp_path / "shop.yaml"
    rule = "cue: {categories: {fact: {needs_source: true}}}"
    path.write_text(f"extends: default\nnotes: {{folder: empty}}\n{rule}\n")
    with pytest.raises(ProfileError, match=r"the notes of profile 'shop': .*: no text in any"):
        CuePipeline(load_profile(path), "call", lambda: ["ann"])
