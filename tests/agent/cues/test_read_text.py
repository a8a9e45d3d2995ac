"""Replies that a profile knows word for word: what they are read as is all that anybody gets."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from interject.agent import AgentSession, CollectingOutput, Cue, Spoken
from interject.agent.cues.read_text import KnownReplies, ReadText
from interject.agent.cues.tagged_runtime import TaggedReply, without_tags
from interject.agent.cues.tags import TaggedText, Tags
from interject.config import Profile
from interject.model_runtime.protocol import Cause, ReplyDelta, SessionOptions
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.fakes.voice import FakeVoice

READ_AS = {
    "You can get a refund within thirty days.": "[refund] Money back: he asks for it.",
    "Yes, we are live.": "[done recording]",
    "You are welcome.": "",
}
KNOWN, TAGS = KnownReplies(READ_AS), Tags({"[refund]": "refund"}, {"[done recording]": "recording"})


def profile(**changes: Any) -> Profile:
    given = {
        "name": "test",
        "system_prompt": "listen",
        "mode": "assist",
        "outputs": ["cue"],
        "reply": {"read_as": READ_AS},
        "cue": {"categories": {"refund": {}}},
        "checklist": {"items": {"recording": "It runs"}},
    }
    return Profile.model_validate({**given, **changes})


def read(text: str, *cuts: int, whole: bool = True) -> tuple[str, list[str]]:
    """Piece by piece."""
    reading = ReadText(KNOWN, TaggedText(TAGS))
    edges = [0, *sorted(cuts), len(text)]
    said = [reading.push(text[start:end]) for start, end in pairwise(edges)]
    return "".join(said) + reading.finish(whole=whole), reading.found


@pytest.mark.parametrize(
    ("text", "said", "found"),
    [
        ("You can get a refund within thirty days.", "Money back: he asks for it.", ["[refund]"]),
        ("you can get a REFUND, within thirty days", "Money back: he asks for it.", ["[refund]"]),
        ("Yes, we are live.", "", ["[done recording]"]),
        ("You are welcome.", "", []),
        ("You are welcome. Sir.", "You are welcome. Sir.", []),
        ("[refund] You can.", "You can.", ["[refund]"]),
        ("", "", []),
    ],
)
def test_a_known_reply_is_read_and_any_other_stays(text: str, said: str, found: list[str]) -> None:
    assert read(text) == (said, found)


@given(
    text=st.sampled_from([*READ_AS, "You can go. [refund] Yes.", "Yes, we are late."]),
    data=st.data(),
)
def test_however_it_arrives_in_pieces(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=6))
    assert read(text, *cuts) == read(text)


def test_of_a_known_reply_that_was_cut_nothing_is_left_and_of_another_what_there_is() -> None:
    assert read("You can get a ref", whole=False) == ("", [])
    assert read("You can go", whole=False) == ("You can go", [])


async def test_the_card_the_tick_and_the_voice_get_the_reading_alone() -> None:
    runtime, output, voice = FakeRuntime(), CollectingOutput(), FakeVoice()
    ended: list[TaggedReply] = []
    deltas: list[str] = []

    def observe(event: object) -> None:
        if isinstance(event, TaggedReply):
            ended.append(event)
        elif isinstance(event, ReplyDelta):
            deltas.append(event.text)

    async with AgentSession(
        runtime,
        profile(mode="speak", outputs=["spoken", "cue"]),
        voice=voice,
        outputs=[output],
        observer=observe,
    ) as session:
        for reply in READ_AS:
            runtime.sessions[0].reply(Scripted(reply), cause=Cause.MODEL)
        await session.finish()
    said = "Money back: he asks for it."
    assert [(one.text, one.categories, one.done) for one in ended] == [
        (said, ("refund",), ()), ("", (), ("recording",)), ("", (), ()),
    ]  # fmt: skip
    assert "".join(deltas) == said
    cues = [one for one in output.events if isinstance(one, Cue)]
    assert [(cue.category, cue.text) for cue in cues] == [("refund", said)]
    spoken = [one for one in output.events if isinstance(one, Spoken) and one.text]
    assert [one.text for one in spoken] == [said]


async def test_the_model_is_told_that_all_or_nothing_of_its_own_words_was_heard() -> None:
    runtime = FakeRuntime()
    session = await without_tags(runtime, profile()).open(SessionOptions("s", "listen"))
    inner = runtime.sessions[0]
    reply = next(iter(READ_AS))
    reply_id = inner.reply(Scripted(reply), cause=Cause.MODEL)
    async for event in session.events():
        if isinstance(event, TaggedReply):
            break
    await session.heard(reply_id, chars=5)
    await session.heard(reply_id, chars=len("Money back: he asks for it."))
    assert inner.heard_reports == [(reply_id, 0), (reply_id, len(reply))]


def test_a_profile_without_tags_may_know_replies() -> None:
    bare = profile(cue={}, checklist={}, reply={"read_as": {"Noted.": "A note was asked for."}})
    assert without_tags(FakeRuntime(), bare) is not None
    text = ReadText(KnownReplies(bare.reply.read_as), TaggedText(Tags.of(bare)))
    assert text.push("Not") + text.push("ed.") + text.finish(whole=True) == "A note was asked for."
    text = ReadText(KnownReplies(bare.reply.read_as), TaggedText(Tags.of(bare)))
    assert text.push("Not now") + text.push(".") + text.finish(whole=True) == "Not now."


def test_what_stops_the_listening_may_not_be_read_as_anything_else() -> None:
    with pytest.raises(ValidationError, match=r"'I will stop listening\.' of stop_replies"):
        profile(reply={"read_as": {"i will stop listening": "[refund]"}})
