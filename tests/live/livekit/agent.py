"""Interject in a real room, inside the test's own process, with a log of its runtime."""

from __future__ import annotations

import contextlib
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from livekit import api, rtc

from interject.config import Profile, load_profile
from interject.integrations.conversation.role import Role
from interject.integrations.livekit.room.room_agent import RoomAgent
from interject.model_runtime import open_runtime
from tests.live.livekit.recording_runtime import RecordingRuntime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from numpy.typing import NDArray

    from interject.integrations.audio.talk_over import TalkOver
    from interject.integrations.livekit.room.room_session import RoomSession
    from tests.live.livekit.participants import Person
    from tests.live.livekit.server import LiveKitServer

AGENT = "interject"
RATE_HZ = 16_000
KITCHEN = Path(__file__).parents[3] / "examples" / "kitchen.wav"
QUESTION_S = (9.4, 12.6)
ALARM_S = (22.6, 25.6)
"""Moments of the kitchen: what is asked there, and what beeps."""


@dataclass(frozen=True)
class Present:
    """An agent that is in its room."""

    room: rtc.Room
    agent: RoomAgent
    watch: RecordingRuntime

    @property
    def session(self) -> RoomSession:
        """The one that hears everybody."""
        return self.agent.sessions.open[0]


@contextlib.asynccontextmanager
async def present(
    server: LiveKitServer,
    runtime_url: str,
    room_name: str,
    *,
    profile: str | Profile = "default",
    barge_in: bool | TalkOver = False,
    cue_to: tuple[str, ...] | None = None,
    remembers: bool = True,
    **changes: Any,
) -> AsyncIterator[Present]:
    """`changes` are fields of the profile that shall be others."""
    loaded = profile if isinstance(profile, Profile) else load_profile(profile)
    watch = RecordingRuntime(open_runtime(runtime_url), remembers=remembers)
    role = Role(loaded.model_copy(update=changes), runtime=watch, barge_in=barge_in, cue_to=cue_to)
    rtc_room = rtc.Room()
    await rtc_room.connect(
        server.url, agent_token(server, room_name), rtc.RoomOptions(auto_subscribe=False)
    )
    try:
        async with RoomAgent(rtc_room, role) as agent:
            yield Present(rtc_room, agent, watch)
    finally:
        await rtc_room.disconnect()
        await watch.aclose()


def agent_token(server: LiveKitServer, room: str) -> str:
    grants = api.VideoGrants(room_join=True, room=room, agent=True, can_update_own_metadata=True)
    token = api.AccessToken(server.key, server.secret).with_identity(AGENT).with_kind("agent")
    return token.with_grants(grants).to_jwt()


def kitchen(span_s: tuple[float, float] | None = None) -> NDArray[np.int16]:
    with wave.open(str(KITCHEN)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
    if span_s is None:
        return samples
    return samples[round(span_s[0] * RATE_HZ) : round(span_s[1] * RATE_HZ)]


def silence(seconds: float) -> NDArray[np.int16]:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def transcribed(someone: Person) -> str:
    """What the room was shown of the agent's words."""
    words = [str(e.fields["text"]) for e in someone.found("transcription", identity=AGENT)]
    return " ".join(words).lower()
