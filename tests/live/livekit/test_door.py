"""A LiveKit room keeps the contract of every door."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from typing import TYPE_CHECKING

import pytest
from livekit import rtc

from interject.integrations.conversation.role import Role
from interject.integrations.livekit.room.room_agent import RoomAgent
from tests.contract.door_contract import DoorContract, DoorScene
from tests.fakes.runtime import FakeRuntime
from tests.live.livekit.participants import Person, person, tone
from tests.live.livekit.scripted_agent import AGENT
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import numpy as np
    from numpy.typing import NDArray

    from interject.config import Profile
    from tests.live.livekit.server import LiveKitServer

ROOMS = itertools.count()


class SomebodyInTheRoom:
    """A `FarEnd`."""

    def __init__(self, who: Person) -> None:
        self._who = who

    @property
    def heard(self) -> list[NDArray[np.int16]]:
        return self._who.heard

    @property
    def gone(self) -> bool:
        return AGENT not in self._who.visitor.room.remote_participants

    async def talk(self, seconds: float) -> None:
        await self._who.visitor.play(tone(440.0, seconds))


@pytest.mark.live
@pytest.mark.timeout(180)
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")
class TestLiveKitDoor(DoorContract):
    """The room waits for a model that is full: it may have room in a moment."""

    speaker = "ann"
    refuses_when_full = False

    @pytest.fixture(autouse=True)
    def _server(self, shared_livekit: LiveKitServer) -> None:
        self.server = shared_livekit

    @contextlib.asynccontextmanager
    async def scene(
        self, profile: Profile, *, barge_in: bool = False, slots: int = 4
    ) -> AsyncIterator[DoorScene]:
        name = f"door-{next(ROOMS)}"
        runtime = FakeRuntime(deciding=False, slots=slots)
        room = rtc.Room()
        async with contextlib.AsyncExitStack() as stack:
            ann = await stack.enter_async_context(person(self.server, name, "ann"))
            await ann.visitor.open_microphone()
            options = rtc.RoomOptions(auto_subscribe=False)
            await room.connect(self.server.url, self.server.token(AGENT, name), options)
            leaving = await stack.enter_async_context(contextlib.AsyncExitStack())
            leaving.push_async_callback(room.disconnect)
            role = Role(profile, runtime=runtime, barge_in=barge_in)
            agent = await leaving.enter_async_context(RoomAgent(room, role))
            await until(lambda: runtime.sessions, "the model")
            yield DoorScene(
                runtime, SomebodyInTheRoom(ann), agent.controls, agent.consent, leaving.aclose
            )
