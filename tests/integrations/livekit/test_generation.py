"""How much of a reply was heard, from what LiveKit knows about its playout."""

from __future__ import annotations

import pytest

from interject.agent.floor import Verdict
from interject.integrations.conversation.heard_text import matching_chars
from interject.integrations.livekit.generation import Generation, WordEnd
from interject.model_runtime.protocol import Cause, Emotion, FloorMode, ReplyStarted

TEXT = "It is, I think, twelve."


def generation(text: str = TEXT) -> Generation:
    started = ReplyStarted("s", 0, 3, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)
    made = Generation(started, Verdict.SPEAK, 0.0, lambda _: None, lambda _: None)
    made.feed.push(text)
    return made


@pytest.mark.parametrize(
    ("heard", "chars"),
    [("", 0), ("It", 3), ("It is,", 7), ("It is I think", 16), (TEXT, len(TEXT)), ("...", 0)],
)
def test_what_was_heard_is_found_in_the_text(heard: str, chars: int) -> None:
    assert matching_chars(TEXT, heard) == chars


def test_marks_that_a_filter_took_away_do_not_disturb() -> None:
    assert matching_chars("It is **really** late.", "It is really") == len("It is **really** ")


def test_word_times_decide_where_there_are_any() -> None:
    reply = generation()
    reply.spoken_text = TEXT
    reply.word_ends = [WordEnd(3, 0.2), WordEnd(7, 0.5), WordEnd(9, 0.7)]
    reply.note_heard(audio_end_s=0.6, transcript=TEXT)
    assert reply.heard_chars == len("It is, ")


def test_a_transcript_that_follows_the_playout_is_the_second_choice() -> None:
    reply = generation()
    reply.note_heard(audio_end_s=9.0, transcript="It is, I")
    assert reply.heard_chars == len("It is, I ")


def test_without_either_the_pace_of_speech_decides_and_no_word_is_cut() -> None:
    reply = generation()
    reply.note_heard(audio_end_s=0.6, transcript=TEXT)
    assert reply.heard_chars == len("It is, I ")


def test_a_reply_that_nobody_read_was_not_heard() -> None:
    assert generation().cut


async def test_a_closed_reply_is_reported_once() -> None:
    closed: list[Generation] = []
    started = ReplyStarted("s", 0, 3, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)
    reply = Generation(started, Verdict.SPEAK, 0.0, lambda _: None, closed.append)
    messages = aiter(reply.event().message_stream)
    message = await anext(messages)
    reply.feed.push("Yes.")
    reply.finish()
    assert [part async for part in message.text_stream] == ["Yes."]
    assert await anext(messages, None) is None
    for _ in range(2):
        await messages.aclose()  # type: ignore[attr-defined]
    assert closed == [reply]
