"""The model in an `AgentSession` that somebody else has built."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from livekit.agents import Agent, AgentSession, APIConnectOptions, llm
from livekit.agents.cli import AgentsConsole
from livekit.agents.voice.agent_session import SessionConnectOptions

from interject.agent.outputs import Unvoiced
from interject.integrations.conversation.chat_rules import NOT_READ
from interject.integrations.conversation.consent import NOBODY
from interject.integrations.livekit import TTS, RealtimeModel, RealtimeSession
from interject.integrations.livekit.writer import WRITER
from interject.model_runtime.protocol import Cause, Emotion, RuntimeFailure
from tests.fakes.clock import FakeClock
from tests.fakes.livekit_audio import FakeLoudspeaker, FakeMicrophone, frames_of
from tests.fakes.runtime import (
    MAX_TEXT_CHARS,
    Cancelled,
    FakeRuntime,
    FakeRuntimeSession,
    Scripted,
)
from tests.fakes.voice import FakeVoice
from tests.integrations.livekit.stage import opened
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AT_ONCE = SessionConnectOptions(
    tts_conn_options=APIConnectOptions(max_retry=0), max_unrecoverable_errors=1_000
)


@contextlib.asynccontextmanager
async def stock(
    runtime: FakeRuntime,
    model: RealtimeModel,
    *,
    speaker: FakeLoudspeaker | None = None,
    **options: Any,
) -> AsyncIterator[tuple[AgentSession[Any], FakeRuntimeSession]]:
    agent: AgentSession[Any] = AgentSession(llm=model, vad=None, **options)
    if speaker is not None:
        agent.input.audio, agent.output.audio = FakeMicrophone(), speaker
    await agent.start(Agent(instructions=""), record=False)
    try:
        yield agent, await opened(runtime)
    finally:
        if speaker is not None:
            speaker.play_all()
        await agent.aclose()
        await model.aclose()


class Baker(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Only bread.")
        self.entered = False

    async def on_enter(self) -> None:
        self.entered = True


def replies(agent: AgentSession[Any]) -> list[str | None]:
    items = agent.history.items
    return [i.text_content for i in items if isinstance(i, llm.ChatMessage)]


async def test_text_alone_needs_neither_voice_nor_sound() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stock(runtime, RealtimeModel(runtime, clock=FakeClock())) as (agent, model):
        model.reply(Scripted("Bread."), cause=Cause.MODEL)
        await until(lambda: replies(agent) == ["Bread."])
        await agent.generate_reply()
        assert replies(agent) == ["Bread.", "All right."]
        await until(lambda: (0, len("Bread.")) in model.heard_reports)


async def test_without_a_voice_the_model_says_what_it_shall_say() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stock(runtime, RealtimeModel(runtime, clock=FakeClock())) as (agent, model):
        await agent.say("Welcome.")
        assert replies(agent) == ["Welcome."]
        assert model.replies == 1


async def test_the_emotion_reaches_our_voice_through_livekits_text_filters() -> None:
    runtime, voice, speaker = FakeRuntime(deciding=False), FakeVoice(), FakeLoudspeaker()
    made = RealtimeModel(runtime, clock=FakeClock())
    speech = TTS(voice, on_air=made.on_air)
    async with stock(runtime, made, speaker=speaker, tts=speech) as (agent, model):
        model.reply(Scripted("It is **over**.", Emotion.SAD), cause=Cause.MODEL)
        await until(lambda: replies(agent))
        await agent.say("Next.")
    assert voice.texts == ["It is over.", "Next."]
    assert voice.emotions == [Emotion.SAD, Emotion.NORMAL]


async def test_what_is_interrupted_leaves_the_memory_even_through_filters() -> None:
    runtime, speaker = FakeRuntime(deciding=False), FakeLoudspeaker(by_hand=True)
    made = RealtimeModel(runtime, clock=FakeClock())
    speech = TTS(FakeVoice(samples_per_char=800), on_air=made.on_air)
    async with stock(runtime, made, speaker=speaker, tts=speech) as (agent, model):
        model.reply(Scripted("One *two* three four five six."), cause=Cause.MODEL)
        await until(lambda: speaker.whole)
        speaker.play(0.5)
        await agent.interrupt()
        await until(lambda: model.cancelled)
        assert model.cancelled[0].heard_chars == len("One *two* ")


async def test_an_alarm_cuts_small_talk_in_a_session_of_anybodys() -> None:
    runtime, voice = FakeRuntime(deciding=False), FakeVoice(samples_per_char=800)
    speaker = FakeLoudspeaker(by_hand=True)
    made = RealtimeModel(runtime, clock=FakeClock())
    async with stock(runtime, made, speaker=speaker, tts=TTS(voice)) as (_, model):
        for text, emotion in (("One.", Emotion.NORMAL), ("Two.", Emotion.NORMAL)):
            model.reply(Scripted(text, emotion), cause=Cause.MODEL)
        await until(lambda: speaker.whole)
        model.reply(Scripted("Fire!", Emotion.URGENT), cause=Cause.MODEL)
        await until(lambda: len(voice.texts) == 2)
        assert voice.texts == ["One.", "Fire!"]
        assert speaker.interrupted == [True]


async def hear(microphone: FakeMicrophone, clock: FakeClock, seconds: float) -> None:
    for frame in frames_of(np.full(round(16_000 * seconds), 3_000, np.int16)):
        clock.advance(frame.duration)
        microphone.put(frame)
        await asyncio.sleep(0)
    await until(microphone.empty)


async def test_what_the_model_says_of_listening_is_true_in_a_session_of_anybodys() -> None:
    runtime, clock, speaker = FakeRuntime(deciding=False), FakeClock(), FakeLoudspeaker()
    made = RealtimeModel(runtime, clock=clock)
    async with stock(runtime, made, speaker=speaker, tts=TTS(FakeVoice())) as (agent, model):
        ear, microphone = made.current, agent.input.audio
        assert ear is not None
        assert isinstance(microphone, FakeMicrophone)
        told: list[tuple[bool, str]] = []
        ear.on("interject_listening", lambda *news: told.append(news))
        await hear(microphone, clock, 1.0)
        await until(lambda: len(model.frames) == 2)
        model.reply(Scripted("I will stop listening."), cause=Cause.MODEL)
        await until(lambda: not ear.listening)
        model.reply(Scripted("Paris."), cause=Cause.MODEL)
        await hear(microphone, clock, 2.0)
        await until(lambda: replies(agent))
        assert (len(model.frames), told) == (2, [(False, NOBODY)])
        assert replies(agent) == ["I will stop listening."]
        assert Cancelled(1, 0) in model.cancelled
        ear.resume_listening()
        await hear(microphone, clock, 1.0)
        await until(lambda: len(model.frames) > 2)
        model.reply(Scripted("Paris."), cause=Cause.MODEL)
        await until(lambda: replies(agent) == ["I will stop listening.", "Paris."])


async def test_words_to_stop_and_go_on_are_obeyed_however_they_are_written() -> None:
    runtime = FakeRuntime(deciding=False)
    made = RealtimeModel(runtime, clock=FakeClock())
    room = made.profile.room
    async with stock(runtime, made) as (agent, _):
        ear = made.current
        assert ear is not None
        for written, answer, listening in (
            ("Stop listening!", room.stop_notice, False),
            ("What is the capital of France?", room.stop_notice, False),
            ("start listening", room.announcement, True),
            ("start listening", "All right.", True),
        ):
            await agent.generate_reply(user_input=written)
            assert ear.listening is listening
            assert replies(agent)[-1] == answer


async def test_to_a_text_that_is_refused_there_is_no_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runtime = FakeRuntime(deciding=False)
    made = RealtimeModel(runtime, clock=FakeClock())
    async with stock(runtime, made) as (agent, model):
        ear = made.current
        assert ear is not None
        unread: list[str] = []
        ear.on("interject_unread", unread.append)
        await agent.generate_reply(user_input="Good morning.")
        WRITER.set("ann")
        long = "help " * MAX_TEXT_CHARS
        handle = agent.generate_reply(user_input=long)
        await handle
        assert isinstance(handle.exception(), RuntimeFailure)
        assert unread == ["ann"]
        assert replies(agent) == ["Good morning.", "All right."]
        assert long not in [item.text_content for item in ear.chat_ctx.messages()]
        assert model.told == ["Good morning."]
        error = await ear.text_turn(long, writer="ben")
        assert isinstance(error, RuntimeFailure)
        assert unread == ["ann", "ben"]
        await agent.generate_reply(user_input="Hello?")
        assert replies(agent)[-2:] == ["Hello?", "All right."]
    told = [one for one in caplog.records if one.message == "A text is not read"]
    assert len(told) == 2
    assert "help help" not in caplog.text


async def test_in_livekits_console_the_reply_says_that_a_text_is_refused() -> None:
    """A reply that fails would end the console."""
    runtime, console = FakeRuntime(deciding=False), AgentsConsole.get_instance()
    async with stock(runtime, RealtimeModel(runtime, clock=FakeClock())) as (agent, model):
        console.enabled = True
        try:
            await agent.run(user_input="help " * MAX_TEXT_CHARS)
        finally:
            console.enabled = False
        assert replies(agent)[-1] == NOT_READ
        assert model.told == []


async def test_a_runtime_that_is_away_keeps_no_text_waiting() -> None:
    runtime = FakeRuntime(deciding=False, slots=0)
    made = RealtimeModel(runtime, clock=FakeClock(), reply_timeout_s=0.02)
    agent: AgentSession[Any] = AgentSession(llm=made, vad=None)
    await agent.start(Agent(instructions=""), record=False)
    handle = agent.generate_reply(user_input="Good morning.")
    await until(lambda: replies(agent) == ["Good morning."])
    runtime.slots = 4
    assert (await opened(runtime)) is not None
    await until(lambda: runtime.sessions[0].told == ["Good morning."])
    await handle
    await agent.aclose()
    await made.aclose()


async def test_a_reply_that_was_asked_for_is_not_given_once_nobody_listens() -> None:
    runtime = FakeRuntime(deciding=False, answering=False)
    made = RealtimeModel(runtime, clock=FakeClock())
    async with stock(runtime, made) as (_, model):
        ear = made.current
        assert ear is not None
        asked = ear.generate_reply()
        await asyncio.sleep(0)
        ear.stop_listening()
        with pytest.raises(llm.RealtimeError, match="does not listen"):
            await asked
        with pytest.raises(llm.RealtimeError, match="does not listen"):
            await ear.generate_reply()
        ear.resume_listening()
        model.reply(Scripted("Late."), cause=Cause.ANSWER_NOW)
        await until(lambda: model.cancelled == [Cancelled(0, 0)])


async def test_a_history_that_is_given_holds_no_wishes() -> None:
    history = llm.ChatContext.empty()
    history.add_message(role="user", content="stop listening")
    runtime = FakeRuntime(deciding=False)
    made = RealtimeModel(runtime, clock=FakeClock())
    agent: AgentSession[Any] = AgentSession(llm=made, vad=None)
    await agent.start(Agent(instructions="", chat_ctx=history), record=False)
    assert made.current is not None
    assert made.current.listening
    await agent.aclose()
    await made.aclose()


@pytest.mark.parametrize("clauses", [None, 0, 1])
async def test_what_no_voice_says_can_be_read(clauses: int | None) -> None:
    """No voice at all, one that fails at once, and one that fails in the middle."""
    runtime, speaker, voice = FakeRuntime(deciding=False), FakeLoudspeaker(), FakeVoice()
    made = RealtimeModel(runtime, clock=FakeClock())
    text, options = "One good clause. And another one.", {}
    if clauses is not None:
        voice = FakeVoice(samples_per_char=10, fails_after=clauses)
        options = {"tts": TTS(voice, on_air=made.on_air), "conn_options": AT_ONCE}
    async with stock(runtime, made, speaker=speaker, **options) as (_, model):
        outputs: list[object] = []
        assert made.current is not None
        made.current.on("interject_output", outputs.append)
        model.reply(Scripted(text), cause=Cause.MODEL)
        await until(lambda: outputs)
        await until(lambda: (0, len(text)) in model.heard_reports)
    (unvoiced,) = outputs
    assert isinstance(unvoiced, Unvoiced)
    assert (unvoiced.text, unvoiced.captioned) == (text, clauses is None)
    assert voice.texts == (["One good clause. "] if clauses else [])


async def test_another_agent_takes_over_the_same_ear() -> None:
    """A new session at every handoff would forget everything and miss what is said meanwhile."""
    runtime = FakeRuntime(deciding=False)
    async with stock(runtime, RealtimeModel(runtime, clock=FakeClock())) as (agent, model):
        before = agent.current_agent.realtime_llm_session
        baker = Baker()
        agent.update_agent(baker)
        await until(lambda: baker.entered)
        await agent.generate_reply()
        assert isinstance(before, RealtimeSession)
        assert agent.current_agent.realtime_llm_session is before
        assert len(runtime.sessions) == 1
        assert model.replies == 1
