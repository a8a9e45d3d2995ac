"""A reply's tags reach nobody, and the model is told of its own words how many were heard."""

from __future__ import annotations

from typing import Any

from interject.agent import AgentSession, CollectingOutput, Cue, Posted, Spoken
from interject.agent.cues.tagged_runtime import TaggedReply, without_tags
from interject.config import Profile
from interject.model_runtime.protocol import (
    Cause,
    Emotion,
    EndReason,
    FloorMode,
    ReplyDelta,
    SessionOptions,
)
from tests.agent.test_session import until
from tests.fakes.runtime import Cancelled, FakeRuntime, Scripted
from tests.fakes.voice import FakeVoice

RULES = {"categories": {"offer": {"priority": 900, "expires_s": 5}, "risk": {"tag": "<!risk>"}}}
TEXT = "[offer] Say that it is free. <!RISK>"
SAID = "Say that it is free."


def profile(**changes: Any) -> Profile:
    given = {"name": "test", "system_prompt": "listen", "cue": RULES, **changes}
    return Profile.model_validate(given)


async def test_a_profile_without_tags_changes_nothing() -> None:
    runtime = FakeRuntime()
    assert without_tags(runtime, profile(cue={})) is runtime


async def test_the_voice_the_chat_and_the_card_get_the_words_alone() -> None:
    runtime, output, voice = FakeRuntime(), CollectingOutput(), FakeVoice()
    seen: list[str] = []

    def observe(event: object) -> None:
        if isinstance(event, ReplyDelta | TaggedReply):
            seen.append(event.text)

    async with AgentSession(
        runtime,
        profile(mode="speak", outputs=["spoken", "posted", "cue"]),
        voice=voice,
        outputs=[output],
        observer=observe,
    ) as session:
        runtime.sessions[0].reply(Scripted(TEXT), cause=Cause.MODEL)
        await session.finish()
    posted, cue, spoken = output.events
    assert isinstance(posted, Posted)
    assert isinstance(spoken, Spoken)
    assert isinstance(cue, Cue)
    assert posted.text == spoken.text == cue.text == SAID
    assert (cue.category, cue.priority, cue.expires_at_s - cue.at_s) == ("offer", 900, 5)
    assert "".join(seen[:-1]) == seen[-1] == SAID
    assert "[" not in "".join(voice.texts)


async def test_a_reply_without_a_tag_is_of_the_default_and_an_urgent_one_comes_first() -> None:
    runtime, output = FakeRuntime(), CollectingOutput()
    async with AgentSession(
        runtime, profile(mode="assist", outputs=["cue"]), voice=FakeVoice(), outputs=[output]
    ) as session:
        runtime.sessions[0].reply(Scripted("Ask for her name."), cause=Cause.MODEL)
        runtime.sessions[0].reply(Scripted("<!risk>Fire", Emotion.URGENT), cause=Cause.MODEL)
        await until(lambda: len(output.events) == 2)
        await session.stop()
    cues = [event for event in output.events if isinstance(event, Cue)]
    assert [(cue.category, cue.priority, cue.text) for cue in cues] == [
        ("note", 500, "Ask for her name."),
        ("risk", 1_000, "Fire"),
    ]
    assert runtime.sessions[0].heard_reports == [(0, 17), (1, len("<!risk>Fire"))]


async def opened(runtime: FakeRuntime) -> Any:
    options = SessionOptions(session_id="s", system_prompt="listen", mode=FloorMode.SPEAK)
    return await without_tags(runtime, profile()).open(options)


async def test_what_was_heard_is_reported_in_the_model_s_own_characters() -> None:
    runtime = FakeRuntime()
    session = await opened(runtime)
    fake = runtime.sessions[0]
    fake.reply(Scripted(TEXT, whole=False), cause=Cause.MODEL)
    await fake.close()
    events = [event async for event in session.events()]
    assert "".join(event.text for event in events if isinstance(event, ReplyDelta)) == SAID
    fake._closed = False
    await session.heard(0, chars=3)
    await session.cancel(0, heard_chars=0)
    await session.heard(7, chars=3)
    assert fake.heard_reports == [(0, len("[offer] Say")), (7, 3)]
    assert fake.cancelled == [Cancelled(0, 0)]


async def test_what_a_cut_reply_has_said_with_its_tags_it_has_said() -> None:
    runtime = FakeRuntime()
    session = await opened(runtime)
    fake = runtime.sessions[0]
    fake.reply(Scripted(f"{TEXT} [off", whole=False), cause=Cause.MODEL)
    fake.end_reply(0, "", EndReason.CANCELLED)
    await fake.close()
    (ended,) = [event async for event in session.events() if isinstance(event, TaggedReply)]
    assert (ended.text, ended.categories, ended.done) == ("", ("offer", "risk"), ())
