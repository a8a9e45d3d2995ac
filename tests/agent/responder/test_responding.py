"""The gate opens a reply, the endpoint finds its words, and the gate remembers what was said."""

from __future__ import annotations

import base64
import io
import wave
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.agent import Cue, Posted, Spoken
from interject.agent.responder.circuit_breaker import FIRST_PAUSE_S, CircuitBreaker
from interject.agent.responder.watch import AnswerOutcome
from interject.model_runtime.protocol import FRAME_SAMPLES, Cause, Emotion, EndReason, ReplyEnded
from tests.agent.responder.worlds import Room, endpoint, room
from tests.fakes.clock import FakeClock
from tests.fakes.model_server import streamed
from tests.fakes.runtime import MAX_TEXT_CHARS, Cancelled, Scripted
from tests.fakes.sink import FakeSink
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.protocol import Speaker

DRAFT = "We are open from nine to five."
WORDS = "On Sunday we open at ten."
BROKEN = replace(streamed("no"), status=500)


async def ended(world: Room, count: int = 1) -> None:
    await until(lambda: sum(isinstance(one, ReplyEnded) for one in world.events) == count)


def posts(world: Room) -> list[str]:
    return [event.text for event in world.output.events if isinstance(event, Posted)]


async def test_the_words_are_the_responder_s_and_the_gate_remembers_them() -> None:
    price = {"prompt": 1.0, "completion": 2.0}
    with endpoint(streamed("On Sunday ", "we open", " at ten.", usage=(40, 7))) as server:
        async with room(server, {"price": price}) as world:
            world.gate.reply(Scripted(DRAFT, Emotion.HAPPY), cause=Cause.MODEL)
            await until(lambda: len(world.gate.heard_reports) >= 1)
            await until(lambda: len(world.output.events) == 2)
    posted, spoken = world.output.events
    assert isinstance(posted, Posted)
    assert isinstance(spoken, Spoken)
    assert posted.text == spoken.text == WORDS == "".join(world.voice.texts)
    assert world.voice.emotions == [Emotion.HAPPY]
    assert world.gate.cancelled[0] == Cancelled(0, 0)
    assert world.gate.said == [WORDS]
    assert world.gate.heard_reports[-1] == (1, len(WORDS))
    assert sum(isinstance(one, ReplyEnded) for one in world.events) == 1
    (note,) = world.watch.notes
    assert note.outcome is AnswerOutcome.ANSWERED
    assert (note.prompt_tokens, note.completion_tokens, note.cost) == (40, 7, 54 / 1e6)
    assert note.wait_s is not None


async def test_it_gets_the_sound_since_the_last_reply_the_draft_and_the_conversation() -> None:
    with endpoint(streamed(WORDS)) as server:
        async with room(server, {"audio": True, "most_sound_s": 0.8}) as world:
            for level in (1, 2, 3):
                await hear(world, level)
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
            await hear(world, 4)
            assert world.session is not None
            await world.session.text_turn("and on Monday", answer=False)
            world.gate.reply(Scripted("At nine."), cause=Cause.MODEL)
            await ended(world, 2)
            first, second = world.messages(0), world.messages(1)
    sound, task = first[-1]["content"]
    assert levels(sound) == [2, 3]
    assert DRAFT in task["text"]
    assert [one["role"] for one in second] == ["system", "user", "assistant", "user"]
    assert second[2]["content"] == WORDS
    sound, task = second[-1]["content"]
    assert levels(sound) == [4]
    assert "and on Monday" in task["text"]


async def hear(world: Room, level: int, speakers: Sequence[Speaker] = ()) -> None:
    assert world.session is not None
    at_s = 0.4 * (level - 1)
    await world.session.push_audio(np.full(FRAME_SAMPLES, level, np.int16), at_s, speakers)
    await world.session.push_audio(np.full(40, 0, np.int16), at_s + 0.4)


def levels(content: dict[str, Any]) -> list[int]:
    """The loudest sample of each frame of a WAV file."""
    assert content["input_audio"]["format"] == "wav"
    with wave.open(io.BytesIO(base64.b64decode(content["input_audio"]["data"]))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return [int(frame.max()) for frame in samples.reshape(-1, FRAME_SAMPLES)]


async def test_sound_of_whoever_withdraws_is_given_to_nobody() -> None:
    with endpoint(streamed(WORDS)) as server:
        async with room(server, {"audio": True}) as world:
            await hear(world, 1)
            assert world.session is not None
            world.session.forget_sound()
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    assert isinstance(world.messages()[-1]["content"], str)


async def test_no_text_of_a_request_holds_what_the_profile_takes_out_of_texts() -> None:
    with endpoint(streamed(WORDS)) as server:
        async with room(server, privacy={"redact": ["email"]}) as world:
            assert world.session is not None
            await world.session.text_turn("I am joe@example.org", answer=False)
            world.gate.reply(Scripted("Write to ann@example.org."), cause=Cause.MODEL)
            await ended(world)
            world.gate.reply(Scripted("Yes."), cause=Cause.MODEL)
            await ended(world, 2)
    assert [request.body.count(b"@") for request in server.received] == [0, 0]
    assert "I am [email]" in world.messages(0)[-1]["content"]


async def test_without_a_word_in_time_the_draft_is_said_and_the_endpoint_is_left() -> None:
    with endpoint(held("")) as server:
        async with room(server, {"max_wait_s": 0.05}) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await until(lambda: world.gate.heard_reports[-1:] == [(0, len(DRAFT))])
            await until(server.left.is_set)
    assert posts(world) == [DRAFT]
    assert world.gate.cancelled == []
    assert [note.outcome for note in world.watch.notes] == [AnswerOutcome.LATE]


def held(text: str) -> Any:
    """The server says so much and then nothing."""
    answer = streamed(text, "and never more")
    return replace(answer, hold_at=answer.body.index(b"and never") if text else 0)


async def test_a_barge_in_reaches_the_endpoint_and_the_gate_keeps_what_was_heard() -> None:
    sink = FakeSink()
    with endpoint(held("On Sunday, we open at ten, ")) as server:
        async with room(server, sink=sink) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await sink.play(17_600)
            assert world.session is not None
            await world.session.interrupt()
            await until(server.left.is_set)
            await ended(world)
            (end,) = [one for one in world.events if isinstance(one, ReplyEnded)]
    assert (end.reason, end.text) == (EndReason.CANCELLED, "On Sunday, ")
    assert world.gate.cancelled == [Cancelled(0, 0)]
    assert world.gate.said == ["On Sunday, "]
    assert [note.outcome for note in world.watch.notes] == [AnswerOutcome.CUT]


async def test_whoever_speaks_while_it_thinks_ends_the_asking_and_nothing_is_remembered() -> None:
    with endpoint(held("")) as server:
        async with room(server) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await until(lambda: server.received)
            assert world.session is not None
            await world.session.interrupt()
            await until(server.left.is_set)
            await ended(world)
            (end,) = [one for one in world.events if isinstance(one, ReplyEnded)]
    assert (end.reason, end.text) == (EndReason.CANCELLED, "")
    assert world.gate.cancelled == [Cancelled(0, 0)]
    assert (world.gate.said, posts(world)) == ([], [])


async def test_what_is_cut_after_the_last_word_is_cut_in_the_gate_s_memory_too() -> None:
    sink = FakeSink()
    with endpoint(streamed("On Sunday, we open at ten.")) as server:
        async with room(server, sink=sink) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
            await sink.play(17_600)
            assert world.session is not None
            await world.session.interrupt()
    assert world.gate.said == ["On Sunday, we open at ten."]
    assert world.gate.cancelled == [Cancelled(0, 0), Cancelled(1, 11)]


@pytest.mark.parametrize(
    "scripted",
    [
        Scripted("That is a smoke alarm! Leave the building.", Emotion.URGENT),
        Scripted("Three."),
        Scripted("Counting the beeps."),
        Scripted("I will stop listening."),
    ],
)
async def test_alarms_counts_and_what_the_floor_acts_on_stay_the_gate_s(scripted: Scripted) -> None:
    with endpoint(streamed(WORDS)) as server:
        async with room(server) as world:
            world.gate.reply(scripted, cause=Cause.MODEL)
            await ended(world)
    assert posts(world) == [scripted.text]
    assert server.received == []


async def test_a_category_says_which_replies_it_gets_and_its_words_keep_it() -> None:
    cue: dict[str, Any] = {"categories": {"question": {}, "noise": {}}}
    route = {"route": {"categories": ["question"]}}
    with endpoint(streamed(WORDS)) as server:
        async with room(server, route, mode="assist", outputs=["cue"], cue=cue) as world:
            world.gate.reply(Scripted("[noise] A fan."), cause=Cause.MODEL)
            world.gate.reply(Scripted("[question] Ask him."), cause=Cause.MODEL)
            await ended(world, 2)
            await until(lambda: len(world.output.events) == 2)
    cues = [event for event in world.output.events if isinstance(event, Cue)]
    assert [(one.category, one.text) for one in cues] == [("noise", "A fan."), ("question", WORDS)]
    assert "Ask him." in world.messages()[-1]["content"]
    assert world.gate.said == [f"[question] {WORDS}"]


async def test_the_voice_may_begin_with_the_draft_s_first_clause() -> None:
    draft = "Let me check that order. May I have the number?"
    with endpoint(streamed("It left ", "yesterday.")) as server:
        async with room(server, {"opening": "draft"}) as world:
            world.gate.reply(Scripted(draft), cause=Cause.MODEL)
            await ended(world)
            await until(lambda: len(world.output.events) == 2)
    assert posts(world) == ["Let me check that order. It left yesterday."]
    assert "Let me check that order." in world.messages()[-1]["content"].partition("aloud")[2]
    assert world.gate.cancelled == [Cancelled(0, 25)]
    assert world.gate.said == ["It left yesterday."]
    assert {(0, 25), (1, 18)} <= set(world.gate.heard_reports)


async def test_an_opening_goes_on_as_it_was_drafted_where_no_word_comes() -> None:
    draft = "Let me check that order. May I have the number?"
    with endpoint(held("")) as server:
        async with room(server, {"opening": "draft", "max_wait_s": 0.05}) as world:
            world.gate.reply(Scripted(draft), cause=Cause.MODEL)
            await ended(world)
            await until(lambda: len(world.output.events) == 2)
    assert posts(world) == [draft] == ["".join(world.voice.texts)]
    assert world.gate.cancelled == []


async def test_a_draft_of_one_clause_opens_whole() -> None:
    with endpoint(streamed("On Sunday ", "from ten.")) as server:
        async with room(server, {"opening": "draft"}) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await until(lambda: world.voice.texts != [])
            await ended(world)
            await until(lambda: len(world.output.events) == 2)
    assert posts(world) == [f"{DRAFT} On Sunday from ten."]
    assert world.gate.cancelled == [Cancelled(0, len(DRAFT))]
    assert world.gate.said == [" On Sunday from ten."]


async def test_a_draft_that_opened_whole_is_all_where_no_word_comes() -> None:
    with endpoint(held("")) as server:
        async with room(server, {"opening": "draft", "max_wait_s": 0.05}) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
            await until(lambda: world.gate.heard_reports != [])
    assert posts(world) == [DRAFT]
    assert "".join(world.voice.texts).rstrip() == DRAFT
    reply_id, chars = world.gate.heard_reports[-1]
    assert (reply_id, chars >= len(DRAFT)) == (0, True)


async def test_one_that_is_down_costs_its_words_and_soon_nobody_waits_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    with endpoint(BROKEN, BROKEN, BROKEN, streamed(WORDS)) as server:
        async with room(server, breaker=CircuitBreaker(clock)) as world:
            for count in range(1, 6):
                world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
                await ended(world, count)
            assert len(server.received) == 3
            clock.advance(FIRST_PAUSE_S)
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world, 6)
    assert posts(world) == [*[DRAFT] * 5, WORDS]
    assert [note.outcome.value for note in world.watch.notes] == [
        *["failed"] * 3, *["left_out"] * 2, "answered",
    ]  # fmt: skip
    assert world.watch.left_out == [False, False, False, True, True, False]
    told = [
        (one.msg.partition(":")[0], vars(one)["reason"])
        for one in caplog.records
        if one.levelname == "WARNING"
    ]
    assert told == [
        ("The responder gave no answer", "it answered 500"),
        ("The responder is left out for a while", "it answered 500"),
    ]


async def test_nobody_waits_for_the_words_of_a_reply_that_is_taken_back() -> None:
    with endpoint(streamed(WORDS)) as server:
        async with room(server, reply={"unprompted_per_minute": 0}) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await until(lambda: world.gate.cancelled == [Cancelled(0, 0)])
            world.gate.reply(Scripted("Yes."), cause=Cause.ANSWER_NOW)
            await ended(world, 2)
    assert posts(world) == [WORDS]
    assert [note.outcome.value for note in world.watch.notes] == ["cut", "answered"]


async def test_what_was_begun_is_said_to_its_end_though_the_stream_is_over() -> None:
    with endpoint(streamed("On Sunday ", "at ten.")) as server:
        async with room(server) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            assert world.session is not None
            await world.session.finish()
    assert posts(world) == ["On Sunday at ten."]


async def test_other_people_s_words_in_the_gate_s_mouth_are_replies_like_any() -> None:
    with endpoint(streamed(WORDS)) as server:
        async with room(server) as world:
            assert world.session is not None
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await world.session.say("Please hold the line.")
            await ended(world, 2)
    assert set(posts(world)) == {WORDS, "Please hold the line."}


async def test_a_memory_with_little_room_keeps_the_beginning() -> None:
    long = "We open at ten, and close at two. " * 60
    with endpoint(streamed(long)) as server:
        async with room(server) as world:
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await until(lambda: world.gate.said != [])
    (said,) = world.gate.said
    assert 100 < len(said) <= MAX_TEXT_CHARS
    assert long.startswith(said)
