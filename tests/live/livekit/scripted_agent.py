"""Interject in a real room, with a model whose replies a test writes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from livekit import rtc

from interject.config import Profile, load_profile
from interject.integrations.conversation.role import Role
from interject.integrations.livekit.room.room_agent import RoomAgent
from tests.fakes.runtime import FakeRuntime, FakeRuntimeSession
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.live.livekit.server import LiveKitServer

AGENT = "interject"


class OnStage:
    """The agent in its room, and the model behind it."""

    def __init__(self, agent: RoomAgent, model: FakeRuntimeSession) -> None:
        self.agent = agent
        self.model = model


@contextlib.asynccontextmanager
async def on_stage(
    server: LiveKitServer,
    room_name: str,
    *,
    profile: Profile | str = "default",
    barge_in: bool = False,
) -> AsyncIterator[OnStage]:
    runtime = FakeRuntime(deciding=False)
    loaded = profile if isinstance(profile, Profile) else load_profile(profile)
    room = rtc.Room()
    await room.connect(
        server.url, server.token(AGENT, room_name), rtc.RoomOptions(auto_subscribe=False)
    )
    try:
        async with RoomAgent(room, Role(loaded, runtime=runtime, barge_in=barge_in)) as agent:
            await until(lambda: runtime.sessions, "the model")
            yield OnStage(agent, runtime.sessions[0])
    finally:
        await room.disconnect()
