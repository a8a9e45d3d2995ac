"""A bot in a call of Genesys keeps the contract of every door."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.contract.door_contract import DoorContract, DoorScene
from tests.integrations.sockets.audiohook.calling import CONNECTOR, GenesysPeer, platforms_of
from tests.live.sockets.test_door import scene_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.config import Profile


@pytest.mark.live
@pytest.mark.rare
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")
class TestAudioHookConnector(DoorContract):
    speaker = "caller"

    @contextlib.asynccontextmanager
    async def scene(
        self, profile: Profile, *, barge_in: bool = False, slots: int = 4
    ) -> AsyncIterator[DoorScene]:
        peer = GenesysPeer(CONNECTOR)
        async with scene_of(
            peer,
            "/sockets/audiohook/connector",
            platforms_of(),
            profile,
            headers=peer.signed(),
            barge_in=barge_in,
            slots=slots,
        ) as scene:
            yield scene
