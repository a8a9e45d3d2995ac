"""The messages of a reply, from its decision to its last heard word."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from interject.agent.cues.checklist import ChecklistItem, ChecklistUpdate
from interject.agent.cues.pipeline import CuePipeline
from interject.agent.cues.summary import CallSummary
from interject.agent.floor import Verdict
from interject.agent.outputs import Posted, Spoken
from interject.agent.soundboard.play_cue import PlayAction, PlayCue
from interject.config import load_profile
from interject.integrations.conversation.announcement import Notice
from interject.integrations.conversation.cues import cue_message
from interject.integrations.conversation.decision_message import decision_message
from interject.integrations.webrtc.rtvi_line import RtviLine
from interject.model_runtime.protocol import (
    Cause,
    Decision,
    Emotion,
    EndReason,
    FloorMode,
    Gap,
    GapReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    Speaker,
)

TEXT = "The oven is on fire."


class World:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.line = RtviLine(self.texts.append)

    @property
    def sent(self) -> list[dict[str, Any]]:
        found = [json.loads(text) for text in self.texts]
        self.texts.clear()
        return found

    def starts(self, reply_id: int, verdict: Verdict) -> ReplyStarted:
        mode = FloorMode.SPEAK
        started = ReplyStarted("s", reply_id, 9, Emotion.URGENT, Cause.MODEL, mode)
        self.line.on_event(started)
        self.line.on_verdict(started, verdict)
        return started

    def writes(self, started: ReplyStarted) -> None:
        for word in ("The oven", " is on", " fire."):
            self.line.on_event(ReplyDelta("s", started.reply_id, (1,), word))
        self.line.on_event(ReplyEnded("s", started.reply_id, EndReason.COMPLETE, TEXT, 3))


@pytest.fixture
def world() -> World:
    return World()


def spoken(reply_id: int, heard_chars: int) -> Spoken:
    return Spoken(
        session_id="s",
        reply_id=reply_id,
        seq=9,
        at_s=4.0,
        emotion=Emotion.URGENT,
        text=TEXT,
        heard_chars=heard_chars,
        interrupted=heard_chars < len(TEXT),
    )


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [
        f"server-message {one['data']['type']}" if one["type"] == "server-message" else one["type"]
        for one in messages
    ]


async def test_every_decision_is_told_with_its_probability_and_who_spoke(world: World) -> None:
    level = (Speaker("caller", -30.0),)
    decision = Decision(
        "s", 4, 1.0, -1.0, 1.0, 0.88, respond=True, mode=FloorMode.SPEAK, speakers=level
    )
    await world.line.send_decision(decision_message(decision, now=1_700_000_000.0))
    (message,) = world.sent
    assert message["type"] == "server-message"
    data = message["data"]
    assert (data["type"], data["chunk"], data["respond"], data["p_respond"]) == (
        "decision", 4, True, 0.88,
    )  # fmt: skip
    assert data["speakers"] == [{"identity": "caller", "level_dbfs": -30.0}]


async def test_a_spoken_reply_is_one_segment_that_is_completed_word_by_word(world: World) -> None:
    world.writes(world.starts(3, Verdict.SPEAK))
    assert kinds(world.sent) == [
        "server-message reply", "bot-llm-started", "bot-llm-text", "bot-llm-text", "bot-llm-text",
        "bot-llm-stopped", "bot-output",
    ]  # fmt: skip
    world.line.progress((3, 8))
    world.line.progress((3, 8))
    words, output = world.sent
    assert words == {
        "label": "rtvi-ai",
        "type": "bot-tts-text",
        "id": "",
        "data": {"text": "The oven"},
    }
    assert output["data"]["spoken_status"] == "in-progress"
    assert output["data"]["spoken_progress"]["remaining_text"] == " is on fire."
    await world.line.emit(spoken(3, len(TEXT)))
    rest, _, output, heard = world.sent
    assert rest["data"]["text"] == " is on fire."
    assert (output["data"]["segment_id"], output["data"]["spoken_status"]) == (3, "completed")
    assert output["data"]["spoken_progress"] == {"accumulated_text": TEXT, "remaining_text": ""}
    assert heard["data"]["interrupted"] is False


async def test_of_a_reply_that_was_cut_only_what_was_heard_is_told_as_spoken(world: World) -> None:
    world.writes(world.starts(0, Verdict.SPEAK))
    assert world.sent
    await world.line.emit(spoken(0, 8))
    _, _, output, heard = world.sent
    assert output["data"]["spoken_progress"]["accumulated_text"] == "The oven"
    assert (heard["data"]["chars"], heard["data"]["of"]) == (8, len(TEXT))
    assert heard["data"]["interrupted"] is True


async def test_the_progress_of_one_reply_is_not_the_next_one_s(world: World) -> None:
    world.writes(world.starts(0, Verdict.SPEAK))
    world.writes(world.starts(1, Verdict.WAIT))
    world.line.progress((0, 8))
    await world.line.emit(spoken(0, 8))
    assert world.sent
    world.line.progress((1, 3))
    words, output = world.sent
    assert words["data"]["text"] == "The"
    assert output["data"]["segment_id"] == 1


def test_a_suppressed_reply_is_neither_spoken_nor_shown(world: World) -> None:
    world.writes(world.starts(0, Verdict.SUPPRESS))
    assert world.sent == []


async def test_a_reply_that_is_only_shown_will_not_be_spoken(world: World) -> None:
    world.writes(world.starts(0, Verdict.SHOW))
    output = world.sent[-1]
    assert output["data"]["will_be_spoken"] is False
    posted = Posted("s", 0, 9, 4.0, Emotion.NORMAL, TEXT, EndReason.COMPLETE)
    await world.line.emit(posted)
    assert kinds(world.sent) == ["server-message posted"]


async def test_notices_gaps_and_the_voice_are_told(world: World) -> None:
    await world.line.send_notice(Notice.STOPPED, "Nobody listens.", ["caller"])
    world.line.on_event(Gap("s", 5, 2, GapReason.OVERLOAD))
    world.line.voice(speaking=True)
    world.line.voice(speaking=False)
    world.line.refuse("too long")
    assert kinds(world.sent) == [
        "server-message notice", "server-message gap", "bot-started-speaking",
        "bot-stopped-speaking", "error",
    ]  # fmt: skip


async def test_a_checklist_is_told_and_a_reply_that_only_ticks_it_has_no_words(
    world: World,
) -> None:
    started = world.starts(0, Verdict.SPEAK)
    world.line.on_event(ReplyEnded("s", 0, EndReason.COMPLETE, "", 3))
    await world.line.emit(
        ChecklistUpdate((ChecklistItem("hello", "Greets"),), call="c", identities=("caller",))
    )
    sent = world.sent
    assert [one["type"] for one in sent] == [
        "server-message", "bot-llm-started", "bot-llm-stopped", "server-message"
    ]  # fmt: skip
    assert sent[-1]["data"]["type"] == "checklist"
    assert sent[-1]["data"]["items"][0]["text"] == "Greets"
    world.line.progress((started.reply_id, 3))
    assert world.sent == []


async def test_a_sound_s_card_is_told_with_all_its_fields(world: World) -> None:
    card = PlayCue(
        session_id="c", id="c-0", category="play", priority=400, text="calm",
        emotion=Emotion.NORMAL, chunk=9, at_s=4.0, expires_at_s=49.0,
        identities=("caller",), action=PlayAction.PLAY,
        sound="calm", kind="bed", licence="CC0-1.0", credit="Interject",
    )  # fmt: skip
    await world.line.send_cue(cue_message(card, now=1_700_000_000.0), ["caller"])
    (sent,) = world.sent
    told = sent["data"]
    assert (told["type"], told["category"], told["kind"]) == ("cue", "play", "bed")
    assert (told["action"], told["sound"], told["licence"]) == ("play", "calm", "CC0-1.0")


async def test_a_summary_is_told_as_far_as_a_client_takes_it(world: World) -> None:
    cues = CuePipeline(load_profile("podcast_producer"), "c", lambda: ["caller"])
    for number in range(400):
        started = ReplyStarted("s", number, 9, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)
        ended = ReplyEnded("s", number, EndReason.COMPLETE, f"{number} {'ü' * 400}", 3)
        list(cues.replied(started, ended, Verdict.SPEAK))
    *_, summary = cues.finish()
    await world.line.emit(summary)
    (text,) = world.texts
    assert len(text.encode()) < 64 << 10
    (sent,) = world.sent
    assert isinstance(summary, CallSummary)
    await world.line.emit(replace(summary, identities=()))
    assert world.sent == [], "what is not for the caller he is not told"
    assert sent["data"]["type"] == "summary"
    assert sent["data"]["replies"][-1]["reply"] == 399
