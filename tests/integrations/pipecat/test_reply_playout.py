"""How much of a reply was heard, as the pipeline's voice tells it."""

from __future__ import annotations

import asyncio

import pytest

from interject.agent.voice import VoiceFailure
from interject.integrations.conversation.heard_text import end_of_word
from interject.integrations.pipecat.reply_playout import ReplyPlayout

TEXT = "The bread is burning. Take it out!"


def reply(text: str = TEXT) -> ReplyPlayout:
    made = ReplyPlayout()
    made.text = text
    made.sound(0.01)
    return made


def test_a_voice_with_word_times_is_followed_word_for_word() -> None:
    heard = reply()
    for word in ("The", "bread", "is"):
        heard.sound(0.5)
        heard.say(word, timed=True)
    heard.sound(5.0)
    assert heard.text[: heard.heard_chars] == "The bread is "


def test_words_of_somebody_else_are_not_its_own() -> None:
    heard = reply()
    heard.say("The", timed=True)
    heard.say("An assistant listens to this call.", timed=True)
    heard.say("Bread", timed=True)
    assert heard.text[: heard.heard_chars] == "The bread "


def test_within_a_sentence_without_word_times_the_seconds_count() -> None:
    heard = reply()
    heard.sound(0.4)
    assert heard.text[: heard.heard_chars] == "The "
    heard.say("The bread is burning.", timed=False)
    assert heard.text[: heard.heard_chars] == "The bread is burning. "
    heard.sound(0.5)
    assert heard.text[: heard.heard_chars] == "The bread is burning. Take it "


def test_what_an_interruption_threw_away_is_never_heard() -> None:
    heard = reply()
    heard.say("The", timed=True)
    heard.flush()
    heard.say("bread", timed=True)
    heard.play_out()
    assert heard.heard_chars == len("The ")


def test_before_its_mark_has_passed_nothing_is_heard_of_it() -> None:
    heard = ReplyPlayout(start_id=7)
    heard.text = TEXT
    heard.sound(5.0)
    heard.say("The", timed=True)
    assert (heard.sounded, heard.heard_chars) == (False, 0)
    heard.passed(7)
    heard.sound(0.4)
    assert heard.text[: heard.heard_chars] == "The "


async def test_it_is_told_on_as_it_is_heard_and_ends_when_played_out() -> None:
    heard = reply()
    heard.say("The", timed=True)
    told = heard.chunks()
    first = await anext(told)
    heard.play_out()
    rest = [chunk async for chunk in told]
    assert [word.text for chunk in (first, *rest) for word in chunk.words] == ["The ", TEXT[4:]]
    assert sum(len(chunk.pcm) for chunk in (first, *rest)) == 2 * len(TEXT)


async def test_a_voice_that_failed_without_a_sound_is_a_failure() -> None:
    heard = ReplyPlayout()
    heard.text, heard.error = TEXT, "no account"
    heard.say(TEXT, timed=False)
    heard.play_out()
    with pytest.raises(VoiceFailure, match="no account"):
        await anext(heard.chunks())


async def test_one_that_was_flushed_waits_to_be_closed() -> None:
    heard = reply()
    heard.flush()
    told = heard.chunks()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(told), 0.05)


@pytest.mark.parametrize(
    ("word", "end"),
    [("it", 3), ("IT", 3), ("it's", 6), ("", 0), ("its", None), ("x", None), ("it's so!", 9)],
)
def test_the_next_word_is_found_whatever_its_marks(word: str, end: int | None) -> None:
    text = "it s, so."
    if word == "its":
        end = 6
    assert end_of_word(text, 0, word) == end
