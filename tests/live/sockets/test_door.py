"""Sockets keep the contract of every door, whatever their platform says on them."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.sockets.attendee.platform import AttendeePlatform
from interject.integrations.sockets.attendee.settings import AttendeeSettings
from interject.integrations.sockets.simulator.attendee import AttendeeDialect
from interject.integrations.sockets.simulator.peer import SimulatedPeer
from interject.integrations.sockets.simulator.plain import PlainDialect
from tests.contract.door_contract import DoorContract, DoorRefused, DoorScene
from tests.fakes.runtime import FakeRuntime
from tests.integrations.sockets.stage import KNOWN, socket_server
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from numpy.typing import NDArray

    from interject.config import Profile
    from interject.integrations.sockets.platform import SocketPlatform

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]


MOST_AHEAD_S = 0.5
"""Two tenths, and what the peer's own clock was late on a busy machine."""


class Dialler:
    """A `FarEnd`."""

    def __init__(self, peer: SimulatedPeer, speaker: str) -> None:
        self._peer = peer
        self._speaker = speaker

    @property
    def heard(self) -> list[NDArray[np.int16]]:
        return self._peer.heard

    @property
    def gone(self) -> bool:
        return self._peer.ended.is_set()

    async def talk(self, seconds: float) -> None:
        rate_hz = self._peer.dialect.rate_hz
        times = np.arange(round(seconds * rate_hz)) / rate_hz
        tone = 8_000 * np.sin(2 * np.pi * 440 * times)
        await self._peer.say(self._speaker, np.rint(tone).astype(np.int16))


@contextlib.asynccontextmanager
async def scene_of(
    peer: SimulatedPeer,
    path: str,
    platforms: Sequence[SocketPlatform] | None,
    profile: Profile,
    *,
    headers: Mapping[str, str] | None = None,
    barge_in: bool,
    slots: int,
) -> AsyncIterator[DoorScene]:
    runtime = FakeRuntime(deciding=False, slots=slots)
    [speaker] = peer.said
    async with (
        socket_server(platforms, runtime=runtime, profile=profile, barge_in=barge_in) as stage,
        peer.dialled(stage.url + path, headers),
    ):
        await until(lambda: stage.board.calls or peer.ended.is_set(), "an agent or none")
        await until(lambda: runtime.sessions or peer.ended.is_set(), "the model or none")
        if peer.ended.is_set():
            raise DoorRefused(peer.close_reason)
        [agent] = stage.board.calls
        yield DoorScene(
            runtime,
            Dialler(peer, speaker),
            agent.controls,
            agent.consent,
            lambda: stage.board.drain(0.0),
        )


class TestAttendeeSocket(DoorContract):
    """In tenths of a second, without marks, and nothing that was sent can be taken back."""

    speaker = "Ann"

    @contextlib.asynccontextmanager
    async def scene(
        self, profile: Profile, *, barge_in: bool = False, slots: int = 4
    ) -> AsyncIterator[DoorScene]:
        secret = "secret-of-the-url-1"
        platform = AttendeePlatform(AttendeeSettings(secret=secret))
        peer = SimulatedPeer(AttendeeDialect(named={"u1": "Ann"}), speakers=("u1",))
        async with scene_of(
            peer, f"/sockets/attendee/{secret}", [platform], profile, barge_in=barge_in, slots=slots
        ) as scene:
            yield scene
        assert peer.wrong == []
        assert peer.most_held_s <= MOST_AHEAD_S


@pytest.mark.rare
class TestPlainSocket(DoorContract):
    """With marks, as a telephone has them."""

    speaker = "caller"

    @contextlib.asynccontextmanager
    async def scene(
        self, profile: Profile, *, barge_in: bool = False, slots: int = 4
    ) -> AsyncIterator[DoorScene]:
        peer = SimulatedPeer(PlainDialect(marks=True), speakers=("caller",))
        async with scene_of(
            peer, "/sockets/plain", None, profile, headers=KNOWN, barge_in=barge_in, slots=slots
        ) as scene:
            yield scene
