"""What LiveKit is told beside replies: transcripts, who speaks, and what instructions become."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from livekit.agents import Agent, AgentSession, llm

from interject.config import load_profile
from interject.integrations import livekit as interject
from tests.fakes.clock import FakeClock
from tests.fakes.livekit_audio import RATE_HZ, FakeLoudspeaker, FakeMicrophone, frames_of, silence
from tests.fakes.livekit_stt import FakeRecogniser
from tests.fakes.runtime import FakeRuntime
from tests.fakes.voice import FakeVoice
from tests.integrations.livekit.stage import opened
from tests.waiting import until

LOUD = np.full(RATE_HZ, 8_000, np.int16)


class Listener:
    """A session, with what its listeners were told."""

    def __init__(self, runtime: FakeRuntime, **options: Any) -> None:
        self.clock = FakeClock()
        self.model = interject.RealtimeModel(runtime, clock=self.clock, **options)
        voice = interject.TTS(FakeVoice(), on_air=self.model.on_air)
        self.agent: AgentSession[Any] = interject.session(model=self.model, tts=voice)
        self.microphone, self.speaker = FakeMicrophone(), FakeLoudspeaker(by_hand=True)
        self.agent.input.audio, self.agent.output.audio = self.microphone, self.speaker
        self.written: list[tuple[str, bool]] = []
        self.states: list[str] = []
        self.agent.on(
            "user_input_transcribed", lambda e: self.written.append((e.transcript, e.is_final))
        )
        self.agent.on("user_state_changed", lambda e: self.states.append(e.new_state))

    async def hear(self, samples: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        for frame in frames_of(samples):
            self.clock.advance(frame.duration)
            self.microphone.put(frame)
            await asyncio.sleep(0)
        await until(self.microphone.empty)

    async def start(self, instructions: str = "") -> None:
        await self.agent.start(Agent(instructions=instructions), record=False)

    async def close(self) -> None:
        self.speaker.play_all()
        await self.agent.aclose()
        await self.model.aclose()

    def history(self) -> list[tuple[str, str | None]]:
        items = self.agent.history.items
        return [(i.role, i.text_content) for i in items if isinstance(i, llm.ChatMessage)]


async def test_a_recogniser_writes_down_what_people_say_and_the_model_is_not_told() -> None:
    runtime, recogniser = FakeRuntime(deciding=False), FakeRecogniser()
    here = Listener(runtime, stt=recogniser)
    assert here.model.capabilities.user_transcription
    await here.start()
    model = await opened(runtime)
    await here.hear(LOUD)
    await until(lambda: recogniser.heard_s >= 0.9)
    recogniser.say("what is the", final=False)
    recogniser.say("What is the time?", final=True)
    await until(lambda: len(here.written) == 2)
    assert here.written == [("what is the", False), ("What is the time?", True)]
    assert here.history() == [("user", "What is the time?")]
    await here.agent.current_agent.update_chat_ctx(here.agent.history)
    assert model.told == []
    assert model.replies == 0
    await here.close()


async def test_what_is_written_down_passes_the_privacy_gate() -> None:
    runtime, recogniser = FakeRuntime(deciding=False), FakeRecogniser()
    here = Listener(runtime, stt=recogniser)
    await here.start()
    await opened(runtime)
    recogniser.say("it is 4111 1111 111", final=False)
    recogniser.say("It is 4111 1111 1111 1111.", final=True)
    await until(lambda: len(here.written) == 2)
    assert here.written == [("it is [card]", False), ("It is [card].", True)]
    assert here.history() == [("user", "It is [card].")]
    await here.close()


async def test_whoever_is_not_listened_to_is_not_written_down() -> None:
    runtime, recogniser = FakeRuntime(deciding=False), FakeRecogniser()
    here = Listener(runtime, stt=recogniser)
    await here.start()
    assert here.model.current is not None
    here.model.current.stop_listening()
    await here.hear(LOUD)
    recogniser.say("a secret", final=True)
    await until(recogniser.said.empty)
    await asyncio.sleep(0)
    assert recogniser.heard_s == 0
    assert not here.written
    assert not here.history()
    await here.close()


async def test_a_recogniser_must_stream() -> None:
    with pytest.raises(ValueError, match="StreamAdapter"):
        interject.RealtimeModel(FakeRuntime(), stt=FakeRecogniser(streaming=False))


async def test_loudness_says_when_somebody_speaks_and_does_not_stop_the_agent() -> None:
    runtime = FakeRuntime(deciding=False)
    here = Listener(runtime, speech_dbfs=-40.0)
    await here.start()
    speech = here.agent.say("Good morning, all of you.")
    await until(lambda: here.agent.agent_state == "speaking")
    await here.hear(LOUD[: RATE_HZ // 20])
    await here.hear(silence(0.5))
    assert here.states == []
    await here.hear(LOUD)
    await until(lambda: here.states == ["speaking"])
    await here.hear(silence(0.5))
    assert here.states == ["speaking"]
    here.clock.advance(0.2)
    await until(lambda: here.states == ["speaking", "listening"])
    assert not speech.interrupted
    assert not speech.done()
    await here.close()


async def test_without_a_level_nothing_is_said_about_speech() -> None:
    here = Listener(FakeRuntime(deciding=False))
    await here.start()
    await here.hear(LOUD)
    assert here.states == []
    await here.close()


async def test_first_instructions_end_the_system_prompt_and_later_ones_are_told() -> None:
    runtime = FakeRuntime(deciding=False)
    here = Listener(runtime)
    await here.start("Speak only of bread.")
    model = await opened(runtime)
    prompt = load_profile("default").system_prompt
    assert model.options.system_prompt == f"{prompt}\n\nSpeak only of bread."
    assert model.told == []
    await here.agent.current_agent.update_instructions("Speak only of cake.")
    await until(lambda: model.told == ["Speak only of cake."])
    model.break_off("the engine died")
    await until(lambda: len(runtime.sessions) == 2)
    assert runtime.sessions[1].options.system_prompt == f"{prompt}\n\nSpeak only of cake."
    await here.close()
