"""A call over a bad network: chunks come in time, and the delay that losses cause does not stay."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest

from benchmarks.lossy_relay import LossyRelay
from interject.config import Profile
from interject.integrations.conversation.role import Role
from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from tests.fakes.runtime import FakeRuntime
from tests.integrations.webrtc.browser import RATE_HZ, Browser
from tests.live.webrtc.site import site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.runtime import FakeRuntimeSession

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

EVERY_S = 0.5
CLICK_S = 0.06
LOUD = 3_000


def clicks(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """A short tone twice a second."""
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    on = (at % EVERY_S) < CLICK_S
    return np.asarray(12_000 * on * np.sin(2 * np.pi * 1_000 * at), np.int16)


def delays_s(session: FakeRuntimeSession, began_at: float) -> list[tuple[float, float]]:
    """When each click was made, and how much later it stands in what the model heard.

    A click that was lost, or began in a hole, is left out.
    """
    found: list[tuple[float, float]] = []
    last = -1.0
    for frame in session.frames:
        loud = np.flatnonzero(np.abs(np.frombuffer(frame.pcm, "<i2").astype(np.int32)) > LOUD)
        for sample in loud:
            heard_at = frame.captured_at + sample / SAMPLE_RATE_HZ - began_at
            if heard_at - last > EVERY_S / 2:
                made_at = heard_at - heard_at % EVERY_S
                found.append((made_at, heard_at - made_at))
            last = heard_at
    return found


class Call:
    """One call through a relay of its own, in which somebody clicks as long as it lasts."""

    def __init__(self, loss: float, jitter_s: float) -> None:
        self.relay = LossyRelay(jitter_s=jitter_s)
        self.runtime = FakeRuntime()
        self._loss = loss
        self._began_at = 0.0
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
            self.relay.loss = self._loss
            yield

    async def lasts(self, seconds: float) -> None:
        async with self.connected():
            await asyncio.sleep(seconds)

    async def breaks_down(self, at_s: float, burst_s: float, seconds: float) -> None:
        async with self.connected():
            await asyncio.sleep(at_s)
            self.relay.loss = 1.0
            await asyncio.sleep(burst_s)
            self.relay.loss = self._loss
            await asyncio.sleep(seconds - at_s - burst_s)

    @property
    def session(self) -> FakeRuntimeSession:
        return self.runtime.sessions[0]

    @property
    def delays_s(self) -> list[tuple[float, float]]:
        return delays_s(self.session, self._began_at)


async def test_chunks_come_in_time_and_no_delay_grows_or_stays_whatever_is_lost() -> None:
    """All at once, since each has to last some seconds. One loses everything for a while."""
    calls = [Call(loss, jitter_s=0.06) for loss in (0.0, 0.02, 0.10)]
    burst = Call(0.0, jitter_s=0.02)
    async with asyncio.TaskGroup() as group:
        for call in calls:
            group.create_task(call.lasts(9.0))
        group.create_task(burst.breaks_down(3.0, 0.6, seconds=9.0))
    for call in calls:
        numbers = [frame.seq for frame in call.session.frames]
        assert numbers == list(range(len(numbers)))
        assert 19 <= len(numbers) <= 26
        delays = [delay for _, delay in call.delays_s]
        assert len(delays) >= 12
        first, last = statistics.median(delays[:6]), statistics.median(delays[-6:])
        assert last < first + 0.08, (call.relay.loss, delays)
        assert last < 0.35
    assert burst.relay.lost > 20
    before = statistics.median(delay for at, delay in burst.delays_s if at < 2.5)
    after = statistics.median(delay for at, delay in burst.delays_s if at > 6.5)
    assert after < before + 0.08, burst.delays_s
