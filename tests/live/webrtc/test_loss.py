"""A call over a bad network: chunks come in time, and the delay that losses cause does not stay.

What may happen on the way is tried out on a virtual clock in `test_inbound_delay.py`; here it is a
real connection, which takes as long as it takes on a busy machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest

from benchmarks.lossy_relay import LossyRelay
from interject.config import Profile
from interject.integrations.conversation.role import Role
from interject.model_runtime.protocol import FRAME_S, SAMPLE_RATE_HZ
from tests.fakes.runtime import FakeRuntime
from tests.integrations.webrtc.browser import RATE_HZ, Browser
from tests.live.webrtc.site import site
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from numpy.typing import NDArray

    from interject.model_runtime.protocol import Frame
    from tests.fakes.runtime import FakeRuntimeSession

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

EVERY_S = 0.5
CLICK_S = 0.06
LOUD = 3_000
EARLIEST_S = -0.1
"""A block waits for its sound, so that this can stand before the time at which it was made."""
SHIFT_S = 0.13
MOST_CLICKS = 80
"""Whose delay is not back by then, 40 s on a machine that is not busy, keeps it."""
LOOK_S = 0.2


def clicks(seconds: float) -> NDArray[np.int16]:
    """A short tone twice a second."""
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    on = (at % EVERY_S) < CLICK_S
    return np.asarray(12_000 * on * np.sin(2 * np.pi * 1_000 * at), np.int16)


def delays_s(session: FakeRuntimeSession, began_at: float) -> list[tuple[float, float]]:
    """When each click was made, and how much later it stands in what the model heard.

    A click that was lost, or began in a hole, is left out.
    """
    heard_at = np.concatenate([np.zeros(0), *(_loud_at(frame) for frame in session.frames)])
    first = np.diff(heard_at, prepend=-EVERY_S) > EVERY_S / 2
    delays = (heard_at[first] - began_at - EARLIEST_S) % EVERY_S + EARLIEST_S
    return list(zip(heard_at[first] - began_at - delays, delays, strict=True))


def _loud_at(frame: Frame) -> NDArray[np.float64]:
    level = np.abs(np.frombuffer(frame.pcm, "<i2").astype(np.int32))
    return np.asarray(frame.captured_at + np.flatnonzero(level > LOUD) / SAMPLE_RATE_HZ)


class Call:
    """One call through a relay of its own, in which somebody clicks as long as it lasts."""

    def __init__(self, jitter_s: float) -> None:
        self.relay = LossyRelay(jitter_s=jitter_s)
        self.runtime = FakeRuntime()
        self.lasted_s = self._began_at = 0.0
        self.browser: Browser

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        role = Role(Profile(name="test", system_prompt="listen"), runtime=self.runtime)
        async with (
            site(role, self.runtime) as server,
            httpx.AsyncClient(base_url=server.url) as http,
            self.relay,
            Browser(http, sound=clicks(EVERY_S), again=True) as browser,
        ):
            sdp = self.relay.offer(await browser.offer())
            response = await http.post("/api/offer", json={"sdp": sdp, "type": "offer"})
            answer = response.json()
            await browser.take({**answer, "sdp": self.relay.answer(answer["sdp"])})
            await browser.open()
            self.browser = browser
            self._began_at = browser.microphone.began_at or 0.0
            yield

    async def suffers(self, loss: float, seconds: float) -> None:
        """A while without loss, a while with it, and then for as long as its delay stays."""
        async with self.connected():
            await self._clicks(6)
            before = self._delay_s()
            self.relay.loss = loss
            await asyncio.sleep(seconds)
            self.relay.loss = 0.0
            await self._clicks(3)
            while abs(self._delay_s() - before) > SHIFT_S:
                assert len(self.delays_s) < MOST_CLICKS, (loss, before, self.delays_s)
                await self._clicks(1)
            self.lasted_s = time.monotonic() - self._began_at

    async def _clicks(self, number: int) -> None:
        heard = len(self.delays_s)
        await until(lambda: len(self.delays_s) >= heard + number, "clicks", every_s=LOOK_S)

    def _delay_s(self) -> float:
        return statistics.median(delay for _, delay in self.delays_s[-3:])

    @property
    def session(self) -> FakeRuntimeSession:
        return self.runtime.sessions[0]

    @property
    def delays_s(self) -> list[tuple[float, float]]:
        return delays_s(self.session, self._began_at)


async def test_chunks_come_in_time_and_no_delay_stays_whatever_was_lost() -> None:
    """All at once, since each has to last some seconds. One loses everything for a while."""
    calls = {loss: Call(jitter_s=0.06) for loss in (0.02, 0.1, 1.0)}
    async with asyncio.TaskGroup() as group:
        for loss, call in calls.items():
            group.create_task(call.suffers(loss, 0.6 if loss == 1.0 else 2.5))
    for call in calls.values():
        numbers = [frame.seq for frame in call.session.frames]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) == pytest.approx(call.lasted_s / FRAME_S, abs=3)
    assert calls[1.0].relay.lost > 20
