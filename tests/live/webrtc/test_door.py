"""A browser's call keeps the contract of every door."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest

from interject.integrations.conversation.role import Role
from tests.contract.door_contract import DoorContract, DoorRefused, DoorScene
from tests.fakes.runtime import FakeRuntime
from tests.integrations.webrtc.browser import RATE_HZ, Browser
from tests.live.webrtc.site import site
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from numpy.typing import NDArray

    from interject.config import Profile

LEFT = {"type": "signalling", "message": {"type": "peerLeft"}}


class SomebodyInABrowser:
    """A `FarEnd`."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    @property
    def heard(self) -> list[NDArray[np.int16]]:
        return self._browser.pieces

    @property
    def gone(self) -> bool:
        return LEFT in self._browser.messages

    async def talk(self, seconds: float) -> None:
        at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        sound = 10_000 * np.sin(2 * np.pi * 440 * at)
        await self._browser.microphone.play(sound.astype(np.int16))


@pytest.mark.live
@pytest.mark.timeout(180)
class TestWebRtcDoor(DoorContract):
    speaker = "caller"

    @contextlib.asynccontextmanager
    async def scene(
        self, profile: Profile, *, barge_in: bool = False, slots: int = 4
    ) -> AsyncIterator[DoorScene]:
        runtime = FakeRuntime(deciding=False, slots=slots)
        role = Role(profile, runtime=runtime, barge_in=barge_in)
        async with contextlib.AsyncExitStack() as stack:
            server = await stack.enter_async_context(site(role, runtime))
            http = await stack.enter_async_context(httpx.AsyncClient(base_url=server.url))
            browser = await stack.enter_async_context(Browser(http))
            response = await browser.connect()
            if not response.is_success:
                raise DoorRefused(response.json()["detail"])
            await browser.open()
            await until(lambda: server.switchboard.calls, "the agent")
            agent = server.switchboard.calls[0]

            async def shut_down() -> None:
                await server.switchboard.drain(0.0)

            yield DoorScene(
                runtime, SomebodyInABrowser(browser), agent.controls, agent.consent, shut_down
            )
