"""A session with nothing but LiveKit's defaults, in a real room."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession

from interject.integrations import livekit as interject
from tests.fakes.runtime import FakeRuntime
from tests.live.livekit.participants import person, tone
from tests.waiting import until

if TYPE_CHECKING:
    from tests.live.livekit.server import LiveKitServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(180),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

ROOM = "defaults"
TONE = 1_000
"""About -30 dBFS: automatic gain control would make it some 14 dB louder at first."""


async def test_what_harms_is_said_and_the_greeting_leaves_no_hole_in_what_is_heard(
    livekit_server: LiveKitServer, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = FakeRuntime(deciding=False)
    model = interject.RealtimeModel(runtime)
    session: AgentSession[Any] = AgentSession(llm=model, tts=interject.TTS())
    room = rtc.Room()
    async with person(livekit_server, ROOM, "ann") as ann:
        await ann.visitor.open_microphone()
        await room.connect(livekit_server.url, livekit_server.token("agent", ROOM))
        await session.start(Agent(instructions="Be kind."), room=room, record=False)
        await until(lambda: runtime.sessions, "the model")
        frames = runtime.sessions[0].frames
        talking = asyncio.create_task(ann.visitor.play(tone(440.0, 30.0, level=TONE)))
        await until(lambda: frames and np.frombuffer(frames[-1].pcm, "<i2").any(), "the tone")
        session.say("Good morning. How can I help you today?")
        await until(lambda: session.agent_state == "speaking", "the greeting")
        begun = len(frames) + 1
        await until(lambda: len(frames) >= begun + 4, "what is heard meanwhile")
        heard = [np.frombuffer(frame.pcm, "<i2") for frame in frames[begun : begun + 4]]
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        await session.aclose()
        await room.disconnect()
    await model.aclose()
    changed = {r.__dict__["setting"] for r in caplog.records if "harms an agent" in r.msg}
    assert changed == {
        "aec_warmup_duration",
        "interruption.discard_audio_if_uninterruptible",
        "AudioInputOptions.auto_gain_control",
    }
    assert max(np.abs(sound.astype(int)).max() for sound in heard) < 1.3 * TONE
    assert min(np.count_nonzero(sound) / len(sound) for sound in heard) > 0.9
