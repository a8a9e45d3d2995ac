"""The model in an `AgentSession` that somebody else has built."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from livekit.agents import Agent, AgentSession, llm

from interject.integrations.livekit import TTS, RealtimeModel, RealtimeSession
from interject.model_runtime.protocol import Cause, Emotion
from tests.fakes.clock import FakeClock
from tests.fakes.livekit_audio import FakeLoudspeaker, FakeMicrophone
from tests.fakes.runtime import FakeRuntime, FakeRuntimeSession, Scripted
from tests.fakes.voice import FakeVoice
from tests.integrations.livekit.stage import opened
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


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


async def test_without_attach_an_alarm_is_at_least_the_next_to_be_said() -> None:
    runtime, voice = FakeRuntime(deciding=False), FakeVoice(samples_per_char=800)
    speaker = FakeLoudspeaker(by_hand=True)
    made = RealtimeModel(runtime, clock=FakeClock())
    async with stock(runtime, made, speaker=speaker, tts=TTS(voice)) as (_, model):
        for text, emotion in (("One.", Emotion.NORMAL), ("Two.", Emotion.NORMAL)):
            model.reply(Scripted(text, emotion), cause=Cause.MODEL)
        await until(lambda: speaker.whole)
        model.reply(Scripted("Fire!", Emotion.URGENT), cause=Cause.MODEL)
        speaker.play_all()
        await until(lambda: len(voice.texts) == 2)
        assert voice.texts == ["One.", "Fire!"]


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
