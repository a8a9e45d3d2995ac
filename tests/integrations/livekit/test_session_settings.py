"""LiveKit's defaults that harm an agent which always listens: put right, or said at the start."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession

from interject.integrations import livekit as interject
from interject.model_runtime import open_runtime
from interject.model_runtime.protocol import Emotion
from tests.fakes.clock import FakeClock
from tests.fakes.livekit_audio import RATE_HZ, FakeLoudspeaker, FakeMicrophone, frames_of, silence
from tests.fakes.runtime import FakeRuntime
from tests.fakes.voice import FakeVoice
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from numpy.typing import NDArray

    from interject.model_runtime.protocol import Decision, ReplyStarted, Runtime

KITCHEN = Path(__file__).parent.parent.parent.parent / "examples" / "kitchen.wav"


class Stock:
    """A session as LiveKit's own examples build it: defaults everywhere, and a greeting."""

    def __init__(self, runtime: Runtime, **options: Any) -> None:
        self.clock = FakeClock()
        self.model = interject.RealtimeModel(runtime, clock=self.clock)
        self.agent: AgentSession[Any] = AgentSession(
            llm=self.model, tts=interject.TTS(FakeVoice()), **options
        )
        self.microphone, self.speaker = FakeMicrophone(), FakeLoudspeaker(by_hand=True)
        self.agent.input.audio, self.agent.output.audio = self.microphone, self.speaker
        self.decisions: list[Decision] = []
        self.started: list[ReplyStarted] = []

    async def hear(self, samples: NDArray[np.int16]) -> None:
        for frame in frames_of(samples):
            self.clock.advance(frame.duration)
            self.microphone.put(frame)
            await asyncio.sleep(0)
        await until(self.microphone.empty)

    def watch(self) -> None:
        assert self.model.current is not None
        self.model.current.on("interject_decision", self.decisions.append)
        self.model.current.on("interject_reply_started", lambda s, _: self.started.append(s))


@contextlib.asynccontextmanager
async def stock(runtime: Runtime, **options: Any) -> AsyncIterator[Stock]:
    here = Stock(runtime, **options)
    await here.agent.start(Agent(instructions=""), record=False)
    here.watch()
    try:
        yield here
    finally:
        here.speaker.play_all()
        await here.agent.aclose()
        await here.model.aclose()


def told(caplog: pytest.LogCaptureFixture) -> dict[str, tuple[str, bool]]:
    """Which settings a line was written for: what to set, and whether it has been."""
    return {
        record.__dict__["setting"]: (
            record.__dict__["wanted"],
            record.__dict__["state"] == "changed",
        )
        for record in caplog.records
        if "an agent that always listens" in record.msg
    }


async def test_defaults_that_make_holes_are_switched_off_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with stock(FakeRuntime()) as here:
        assert here.agent.options.aec_warmup_duration is None
        assert not here.agent.options.interruption["discard_audio_if_uninterruptible"]
    assert told(caplog) == {
        "aec_warmup_duration": ("None", True),
        "interruption.discard_audio_if_uninterruptible": ("False", True),
    }


async def test_a_warmup_that_somebody_chose_stays_and_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with stock(FakeRuntime(), aec_warmup_duration=2.0) as here:
        assert here.agent.options.aec_warmup_duration == 2.0
    assert told(caplog)["aec_warmup_duration"] == ("None", False)


async def test_a_session_of_the_builder_has_nothing_to_say(
    caplog: pytest.LogCaptureFixture,
) -> None:
    session = interject.session(FakeRuntime(), tts=None)
    await session.start(Agent(instructions=""), record=False)
    await session.aclose()
    assert told(caplog) == {}


@pytest.mark.parametrize("interruptible", [True, False])
async def test_the_model_hears_without_a_hole_while_the_agent_speaks(interruptible: bool) -> None:
    runtime = FakeRuntime(deciding=False)
    async with stock(runtime) as here:
        here.agent.say("Good morning, all of you.", allow_interruptions=interruptible)
        await until(lambda: here.agent.agent_state == "speaking")
        await here.hear(np.full(2 * RATE_HZ, 700, np.int16))
        frames = runtime.sessions[0].frames
        await until(lambda: len(frames) >= 4)
        heard = np.frombuffer(b"".join(bytes(frame.pcm) for frame in frames[:4]), "<i2")
        assert np.count_nonzero(heard) == len(heard)


def gained(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """As LiveKit's ear delivers it with `auto_gain_control`, its default."""
    gain = rtc.AudioProcessingModule(auto_gain_control=True)
    frames = frames_of(samples)
    for frame in frames:
        gain.process_stream(frame)
    return np.concatenate([np.frombuffer(bytes(frame.data), np.int16) for frame in frames])


def kitchen(from_s: float, level_db: float, noise_dbfs: float, seed: int) -> NDArray[np.int16]:
    with wave.open(str(KITCHEN)) as file:
        speech = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64)
    speech = speech[round(from_s * RATE_HZ) : round((from_s + 6.0) * RATE_HZ)]
    noise = np.random.default_rng(seed).standard_normal(len(speech))
    mixed = speech * 10 ** (level_db / 20) + noise * 32_768 * 10 ** (noise_dbfs / 20)
    return np.asarray(np.clip(np.round(mixed), -32_768, 32_767), np.int16)


SHAPES = [(5.2, 2.0, 2.5, 0.7), (7.1, -4.0, 2.4, 0.6), (6.9, 6.0, 1.8, 0.5), (4.7, -9.0, 1.1, 0.2)]
"""Where the kitchen begins, its level in dB, silence before it, and when the greeting begins."""


@pytest.mark.timeout(400)
async def test_a_greeting_into_sound_that_begins_suddenly_is_no_alarm() -> None:
    """Silence, then sound with 14 dB of gain too much, then the agent's own first words."""
    runtime = open_runtime("local:nano", slots=2)
    try:
        alarms = [await _alarms(runtime, *shape, seed) for seed, shape in enumerate(SHAPES)]
    finally:
        await runtime.aclose()
    assert alarms == [[]] * len(SHAPES)


async def _alarms(
    runtime: Runtime, from_s: float, level_db: float, before_s: float, greeting_s: float, seed: int
) -> list[int]:
    sound = gained(np.concatenate((silence(before_s), kitchen(from_s, level_db, -45.0, seed))))
    greeting = round((before_s + greeting_s) * 20) * 800
    async with stock(runtime) as here:
        await until(lambda: here.model.current is not None and here.model.current.connected)
        await here.hear(sound[:greeting])
        here.agent.say("Good morning. How can I help you?")
        await until(lambda: here.agent.agent_state == "speaking")
        await here.hear(sound[greeting : greeting + 2 * RATE_HZ])
        here.speaker.play_all()
        await here.hear(sound[greeting + 2 * RATE_HZ :])
        chunks = len(sound) // 6_400 - 1
        await until(lambda: len(here.decisions) >= chunks)
        return [start.seq for start in here.started if start.emotion is Emotion.URGENT]
