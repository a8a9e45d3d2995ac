"""One agent in one process: a real `AgentSession` between a fake microphone and loudspeaker."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from livekit.agents import Agent, AgentSession, llm

from interject.config import Profile, load_profile
from interject.integrations.livekit import TTS, RealtimeModel, RealtimeSession, session
from tests.fakes.clock import FakeClock
from tests.fakes.livekit_audio import RATE_HZ, FakeLoudspeaker, FakeMicrophone, frames_of
from tests.fakes.voice import FakeVoice
from tests.waiting import PATIENCE_S, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import numpy as np
    from numpy.typing import NDArray

    from interject.agent.floor import Verdict
    from interject.agent.outputs import Spoken
    from interject.agent.responder.tools.operator import Operator
    from interject.model_runtime.protocol import (
        Decision,
        FloorMode,
        ReplyEnded,
        ReplyStarted,
        Runtime,
    )
    from tests.fakes.runtime import FakeRuntime, FakeRuntimeSession


@dataclass
class Stage:
    """Everything a test looks at. The voice says 20 characters a second."""

    agent: AgentSession[Any]
    model: RealtimeModel
    ear: RealtimeSession
    microphone: FakeMicrophone
    speaker: FakeLoudspeaker
    voice: FakeVoice
    clock: FakeClock
    decisions: list[Decision] = field(default_factory=list)
    started: list[tuple[ReplyStarted, Verdict]] = field(default_factory=list)
    ended: list[ReplyEnded] = field(default_factory=list)
    outputs: list[object] = field(default_factory=list)
    spoken: list[Spoken] = field(default_factory=list)
    errors: list[llm.RealtimeModelError] = field(default_factory=list)
    metrics: list[object] = field(default_factory=list)
    reconnections: int = 0

    async def hear(self, samples: NDArray[np.int16], *, rate_hz: int = RATE_HZ) -> None:
        """Put sound in as if it were spoken now; time passes with it."""
        for frame in frames_of(samples, rate_hz=rate_hz, block_samples=rate_hz // 20):
            self.clock.advance(frame.duration)
            self.microphone.put(frame)
            await asyncio.sleep(0)

    def messages(self, role: str = "assistant") -> list[llm.ChatMessage]:
        items = self.agent.history.items
        return [i for i in items if isinstance(i, llm.ChatMessage) and i.role == role]

    def watch(self) -> None:
        self.ear.on("interject_decision", self.decisions.append)
        self.ear.on("interject_reply_started", lambda *event: self.started.append(event))
        self.ear.on("interject_reply_ended", lambda _, ended, __: self.ended.append(ended))
        self.ear.on("interject_output", self.outputs.append)
        self.ear.on("interject_spoken", self.spoken.append)
        self.ear.on("error", self.errors.append)
        self.ear.on("metrics_collected", self.metrics.append)
        self.ear.on("session_reconnected", self._count_reconnection)

    def _count_reconnection(self, _: object) -> None:
        self.reconnections += 1


@contextlib.asynccontextmanager
async def stage(
    runtime: Runtime,
    *,
    by_hand: bool = False,
    profile: Profile | str = "default",
    mode: FloorMode | None = None,
    barge_in: bool = False,
    instructions: str = "",
    reply_timeout_s: float = PATIENCE_S,
    operator: Operator | None = None,
    **options: Any,
) -> AsyncIterator[Stage]:
    clock = FakeClock()
    model = RealtimeModel(
        runtime,
        profile if isinstance(profile, Profile) else load_profile(profile),
        mode=mode,
        barge_in=barge_in,
        reply_timeout_s=reply_timeout_s,
        operator=operator,
        clock=clock,
    )
    voice = FakeVoice(samples_per_char=800)
    agent = session(model=model, tts=TTS(voice, on_air=model.on_air), **options)
    microphone, speaker = FakeMicrophone(), FakeLoudspeaker(by_hand=by_hand)
    agent.input.audio = microphone
    agent.output.audio = speaker
    await agent.start(Agent(instructions=instructions), record=False)
    assert model.current is not None
    made = Stage(agent, model, model.current, microphone, speaker, voice, clock)
    made.watch()
    try:
        yield made
    finally:
        speaker.play_all()
        await agent.aclose()
        await model.aclose()


async def opened(runtime: FakeRuntime) -> FakeRuntimeSession:
    await until(lambda: bool(runtime.sessions))
    return runtime.sessions[-1]
