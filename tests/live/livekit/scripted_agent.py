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

    from interject.agent.records.store import RecordStore
    from tests.live.livekit.server import LiveKitServer

AGENT = "interject"


class OnStage:
    """The agent in its room, and the model behind it."""

    def __init__(self, agent: RoomAgent, models: list[FakeRuntimeSession]) -> None:
        self.agent = agent
        self.models = models

    @property
    def model(self) -> FakeRuntimeSession:
        return self.models[0]


@contextlib.asynccontextmanager
async def on_stage(
    server: LiveKitServer,
    room_name: str,
    *,
    profile: Profile | str = "default",
    barge_in: bool = False,
    records: RecordStore | None = None,
) -> AsyncIterator[OnStage]:
    runtime = FakeRuntime(deciding=False)
    loaded = profile if isinstance(profile, Profile) else load_profile(profile)
    room = rtc.Room()
    await room.connect(
        server.url, server.token(AGENT, room_name), rtc.RoomOptions(auto_subscribe=False)
    )
    try:
        role = Role(loaded, runtime=runtime, barge_in=barge_in)
        async with RoomAgent(room, role, records=records) as agent:
            await until(lambda: runtime.sessions, "the model")
            yield OnStage(agent, runtime.sessions)
    finally:
        await room.disconnect()
