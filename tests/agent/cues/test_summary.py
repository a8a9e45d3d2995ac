"""A call's summary says what happened in it, however long it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic_core import to_json

from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.cues.history import MOST_RECORDS, MOST_SPEAKERS, OTHERS
from interject.agent.cues.pipeline import CuePipeline
from interject.agent.cues.summary import CallSummary, CueRecord, ReplyRecord
from interject.agent.cues.summary_page import fitting, page
from interject.agent.cues.tagged_runtime import TaggedReply
from interject.agent.floor import Verdict
from interject.agent.outputs import Cue, Posted, spoken
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.agent.responder.tools.operator import WishOutcome
from interject.config import Profile
from interject.model_runtime.protocol import (
    Cause,
    Decision,
    Emotion,
    EndReason,
    FloorMode,
    Gap,
    GapReason,
    ReplyStarted,
    Speaker,
)
from tests.fakes.clock import FakeClock

PROFILE = Profile.model_validate(
    {
        "name": "desk",
        "system_prompt": "listen",
        "cue": {"categories": {"offer": {"once_a_call": True}}},
        "checklist": {"items": {"hello": "Greets <by> name", "bye": "Thanks"}},
    }
)


class Call:
    """One whose replies and sound a test makes."""

    def __init__(self) -> None:
        self.clock = FakeClock(100.0)
        self.present = ["ann"]
        self.cues = CuePipeline(
            PROFILE, "CA1", lambda: self.present, clock=self.clock, wall_clock=lambda: 1.7e9
        )
        self.seq = 0
        self.replies = 0

    def hears(self, **levels: float) -> None:
        self.decides("s", self.seq, **levels)
        self.seq += 1

    def decides(self, session: str, seq: int, **levels: float) -> None:
        speakers = tuple(Speaker(name, level) for name, level in levels.items())
        self.cues.observe(
            Decision(session, seq, 0.0, 1.0, 0.0, 0.3, False, FloorMode.SPEAK, speakers=speakers)
        )

    def begins(self, emotion: Emotion = Emotion.NORMAL) -> ReplyStarted:
        self.replies += 1
        return ReplyStarted("s", self.replies - 1, self.seq, emotion, Cause.MODEL, FloorMode.SPEAK)

    def replies_with(
        self, text: str, verdict: Verdict = Verdict.SPEAK, *done: str, **more: Any
    ) -> ReplyStarted:
        started = self.begins(**more)
        ended = TaggedReply("s", started.reply_id, EndReason.COMPLETE, text, 3, (), done)
        list(self.cues.replied(started, ended, verdict))
        return started

    def says(self, started: ReplyStarted, text: str, heard: int) -> None:
        said = spoken(started, text, heard_chars=heard, whole=heard == len(text))
        list(self.cues.add(said))

    def shows(self, started: ReplyStarted, text: str, category: str = "note") -> None:
        name, at_s = f"s-{started.reply_id}", started.seq * 0.4
        cue = Cue("s", name, category, 500, text, started.emotion, started.seq, at_s, at_s + 30)
        list(self.cues.add(cue))

    def summary(self) -> CallSummary:
        *_, last = self.cues.finish()
        assert isinstance(last, CallSummary)
        return last


def test_a_call_of_every_kind_of_reply_cue_and_trouble() -> None:
    call = Call()
    for _ in range(6):
        call.hears(customer=-20.0, agent=-60.0)
    for _ in range(2):
        call.hears(customer=-20.0, agent=-30.0)
    call.cues.observe(Gap("s", 8, 5, GapReason.MISSING))
    call.cues.observe(Gap("s", 13, 10, GapReason.OVERLOAD))
    call.seq = 160
    said = call.replies_with("Good morning.", emotion=Emotion.URGENT)
    call.says(said, "Good morning.", 13)
    cut = call.replies_with("This is a long story.")
    call.says(cut, "This is a long story.", 7)
    call.replies_with("Too much.", Verdict.SUPPRESS)
    call.replies_with("For nobody.", Verdict.SHOW)
    posted = call.replies_with("To read.", Verdict.SHOW)
    complete = EndReason.COMPLETE
    list(call.cues.add(Posted("s", posted.reply_id, 160, 64.4, posted.emotion, "x", complete)))
    for text in ("Offer it.", "Offer more."):
        call.shows(call.replies_with(text, Verdict.SHOW), text, "offer")
    for _ in range(2):
        call.shows(call.replies_with("Smoke.", Verdict.SHOW), "Smoke.")
    call.present = []
    call.shows(call.replies_with("Alone.", Verdict.SHOW), "Alone.")
    call.replies_with("", Verdict.SHOW, "hello")
    call.clock.advance(3_725.0)

    summary = call.summary()
    assert (summary.call, summary.profile, summary.identities) == ("CA1", "desk", ("ann",))
    assert (summary.began, summary.seconds) == (1.7e9, 3_725.0)
    assert [(one.text, one.became) for one in summary.replies] == [
        ("Good morning.", "said"),
        ("This is a long story.", "cut"),
        ("Too much.", "suppressed"),
        ("For nobody.", "unseen"),
        ("To read.", "posted"),
        ("Offer it.", "cue"),
        ("Offer more.", "withheld"),
        ("Smoke.", "cue"),
        ("Smoke.", "cue"),
        ("Alone.", "cue"),
    ]
    assert [one.heard_chars for one in summary.replies[:3]] == [13, 7, None]
    assert [(one.text, one.became, one.count) for one in summary.cues] == [
        ("Offer it.", "shown", 1),
        ("Offer more.", "once_a_call", 1),
        ("Smoke.", "shown", 2),
        ("Alone.", "unaddressed", 1),
    ]
    assert [(item.item, item.done, item.chunk) for item in summary.checklist] == [
        ("hello", True, 160),
        ("bye", False, None),
    ]
    assert [(one.speaker, one.seconds, one.share) for one in summary.talk] == [
        ("customer", 3.2, 0.8),
        ("agent", 0.8, 0.2),
    ]
    assert (summary.overlap_s, summary.missing_s, summary.overload_s) == (0.8, 2.0, 4.0)
    assert summary.interruptions == 1
    assert json.loads(to_json(summary))["replies"][1]["heard_chars"] == 7
    lines = summary.markdown.splitlines()
    assert lines[0] == "# Call CA1"
    assert lines[2] == "Profile desk, began 2023-11-14 22:13 UTC, took 1:02:05."
    for line in (
        "- [x] Greets \\<by\\> name (1:04, chunk 160)",
        "- [ ] Thanks",
        "- customer: 0:03, 80%",
        "- 1:04 offer (once a call): Offer more.",
        "- 1:04 note (shown, 2 times): Smoke.",
        "- 1:04 (urgent, said): Good morning.",
        "- replies that were cut by somebody: 1",
        "- sound that never came: 0:02",
        "- sound that the model had no time for: 0:04",
    ):
        assert line in lines


def test_a_reply_that_was_cut_before_it_was_whole_counts_as_cut() -> None:
    call = Call()
    started = call.begins()
    call.says(started, "This is a long", 7)
    ended = TaggedReply("s", started.reply_id, EndReason.CANCELLED, "This is", 3, (), ())
    list(call.cues.replied(started, ended, Verdict.SPEAK))
    (record,) = call.summary().replies
    assert (record.became, record.heard_chars, record.end) == ("cut", 7, "cancelled")


def asked(number: int) -> AskedTool:
    given = (("order", str(number)),)
    return AskedTool("s", f"w{number}", 0, 4, 2.0, "refund", given, "", WishOutcome.DENIED, "Ada")


def test_what_an_operator_was_asked_is_listed_with_his_answer() -> None:
    call = Call()
    assert list(call.cues.add(asked(7))) == [asked(7)]
    summary = call.summary()
    assert [(one.call, one.outcome, one.by) for one in summary.asks] == [
        ("refund(order=7)", "denied", "Ada")
    ]
    line = "- 0:02 refund(order=7): denied by Ada"
    assert f"## Asked of an operator\n\n{line}\n" in summary.markdown


def test_who_comes_later_and_has_an_ear_of_his_own_is_in_the_call_s_time() -> None:
    call = Call()
    for chunk in range(500):
        call.clock.advance(0.4)
        call.decides("ann", chunk, ann=-20.0)
        if chunk >= 300:
            call.decides("ben", chunk - 300, ben=-20.0 if chunk < 350 else -60.0)
    started = ReplyStarted("ben", 0, 199, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)
    ended = TaggedReply("ben", 0, EndReason.COMPLETE, "Yes.", 3, (), ("hello",))
    (tick,) = call.cues.replied(started, ended, Verdict.SPEAK)
    call.shows(started, "Ask him.")
    summary = call.summary()
    assert isinstance(tick, ChecklistUpdate)
    assert [item.at_s for item in tick.items] == [200.0, None]
    assert [reply.at_s for reply in summary.replies] == [200.0]
    assert summary.overlap_s == 20.0
    assert [(one.speaker, one.seconds) for one in summary.talk] == [("ann", 200.0), ("ben", 20.0)]


def test_a_call_in_which_nothing_happened() -> None:
    call = Call()
    update, summary = call.cues.finish()
    assert isinstance(update, ChecklistUpdate)
    assert isinstance(summary, CallSummary)
    assert (summary.replies, summary.talk) == ((), ())
    assert "## Replies" not in summary.markdown


def test_of_a_call_of_hours_the_last_is_listed_and_the_rest_is_counted() -> None:
    call = Call()
    for number in range(2 * MOST_RECORDS):
        call.hears(**{f"speaker{number}": -20.0})
        call.shows(call.replies_with(f"Reply {number}. {'x' * 2_000}", Verdict.SHOW), f"C {number}")
    summary = call.summary()
    assert (len(summary.replies), summary.more_replies) == (MOST_RECORDS, MOST_RECORDS)
    assert (len(summary.cues), summary.more_cues) == (MOST_RECORDS, MOST_RECORDS)
    assert summary.replies[0].text.startswith(f"Reply {MOST_RECORDS}.")
    assert len(summary.talk) == MOST_SPEAKERS + 1
    assert summary.talk[0].speaker == OTHERS
    assert f"- {MOST_RECORDS} more before these" in summary.markdown


@pytest.mark.parametrize("most_bytes", [1_000_000, 20_000, 300])
def test_a_summary_is_cut_to_fit_into_a_message(most_bytes: int) -> None:
    call = Call()
    for number in range(100):
        call.replies_with(f"Reply {number} für Ann.")
        list(call.cues.add(asked(number)))
    whole = call.summary()
    shorter = fitting(whole, most_bytes)
    assert len(to_json(shorter)) <= max(most_bytes, 1_100)
    assert len(shorter.replies) + shorter.more_replies == 100
    assert len(shorter.asks) + shorter.more_asks == 100
    assert not shorter.replies or shorter.replies[-1] == whole.replies[-1]
    assert (shorter == whole) == (most_bytes == 1_000_000)


def test_a_card_stands_once_on_the_page_and_in_its_time_s_place() -> None:
    """One that came again has the time of the last; an urgent one says so."""
    cues = (
        CueRecord("s-0", "note", 500, 1, 30.0, "Late.", count=2),
        CueRecord("s-1", "note", 500, 1, 22.0, "Early."),
        CueRecord("s-2", "note", 1_000, 1, 40.0, "Fire!"),
    )
    replies = (
        ReplyRecord("s", 1, 1, 22.0, "model", "normal", "complete", "Early.", "cue"),
        ReplyRecord("s", 2, 1, 23.0, "model", "normal", "complete", "Aloud.", "said"),
    )
    summary = CallSummary("CA1", "p", 0.0, 60.0, replies, 0, cues, 0, (), (), 0.0, 0.0, 0.0, 0)
    told = [line for line in page(summary).splitlines() if line.startswith("- ")]
    assert told == [
        "- 0:22 note (shown): Early.",
        "- 0:30 note (shown, 2 times): Late.",
        "- 0:40 note (urgent, shown): Fire!",
        "- 0:23 (said): Aloud.",
    ]
