"""Pipecat's transports for browsers and for LiveKit rooms, each with a real client."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
from fastapi import BackgroundTasks, FastAPI
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.livekit.transport import LiveKitParams, LiveKitTransport
from pipecat.transports.smallwebrtc.request_handler import (
    SmallWebRTCRequest,
    SmallWebRTCRequestHandler,
)
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport

from interject.integrations.pipecat.llm_service import InterjectLLMService
from interject.model_runtime.protocol import Cause
from tests.contract.door_contract import LOUD
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.pipecat.stage import Bot, quiet_profile
from tests.integrations.web.served import served
from tests.integrations.webrtc.browser import Browser
from tests.live.livekit.participants import person, tone
from tests.live.webrtc.test_door import SomebodyInABrowser
from tests.waiting import until

if TYPE_CHECKING:
    from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection

    from tests.fakes.runtime import FakeRuntimeSession
    from tests.live.livekit.server import LiveKitServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

RATE_HZ = 24_000
SHORT = "The bread is burning."


def a_bot(runtime: FakeRuntime) -> Bot:
    return Bot(runtime, lambda: InterjectLLMService(runtime=runtime, profile=quiet_profile()))


def browser_app(bot: Bot) -> FastAPI:
    app = FastAPI()
    handler = SmallWebRTCRequestHandler(ice_servers=[])

    @app.post("/api/offer")
    async def offer(request: SmallWebRTCRequest, after: BackgroundTasks) -> dict[str, str] | None:
        async def connected(connection: SmallWebRTCConnection) -> None:
            params = TransportParams(audio_in_enabled=True, audio_out_enabled=True)
            after.add_task(bot.serve, SmallWebRTCTransport(connection, params), rate_hz=RATE_HZ)

        return await handler.handle_web_request(request, connected)

    return app


def speakers(model: FakeRuntimeSession) -> set[str]:
    """Who was loud."""
    frames = (one for one in model.frames if np.abs(np.frombuffer(one.pcm, "<i2")).max() > LOUD)
    return {speaker.identity for frame in frames for speaker in frame.speakers}


async def test_in_a_browser_it_hears_and_is_heard() -> None:
    runtime = FakeRuntime(deciding=False)
    bot = a_bot(runtime)
    async with (
        served(browser_app(bot)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
        Browser(http) as browser,
    ):
        assert (await browser.connect()).is_success
        call = await bot.call()
        await SomebodyInABrowser(browser).talk(1.0)
        await until(lambda: speakers(call.model), "the sound in the model's ear")
        assert speakers(call.model) == {"user"}
        call.model.reply(Scripted(SHORT), cause=Cause.MODEL)
        await until(lambda: (0, len(SHORT)) in call.model.heard_reports, "the last word")
        assert any(np.abs(piece).max() > LOUD for piece in browser.pieces)
        await call.worker.cancel()


async def test_in_a_livekit_room_several_people_are_heard_and_told_apart(
    shared_livekit: LiveKitServer,
) -> None:
    runtime, room = FakeRuntime(deciding=False), "pipecat"
    bot = a_bot(runtime)
    async with (
        person(shared_livekit, room, "ann") as ann,
        person(shared_livekit, room, "bob") as bob,
    ):
        for one in (ann, bob):
            await one.visitor.open_microphone()
        transport = LiveKitTransport(
            url=shared_livekit.url,
            token=shared_livekit.token("agent", room),
            room_name=room,
            params=LiveKitParams(audio_in_enabled=True, audio_out_enabled=True),
        )
        serving = asyncio.create_task(bot.serve(transport, rate_hz=RATE_HZ))
        try:
            call = await bot.call()
            await asyncio.gather(
                ann.visitor.play(tone(440.0, 1.6)), bob.visitor.play(tone(600.0, 1.6))
            )
            await until(lambda: len(speakers(call.model)) == 2, "both in the model's ear")
            call.model.reply(Scripted(SHORT), cause=Cause.MODEL)
            await until(lambda: (0, len(SHORT)) in call.model.heard_reports, "the last word")
            heard = [piece for piece in ann.heard if len(piece)]
            assert any(np.abs(piece).max() > LOUD for piece in heard)
        finally:
            with contextlib.suppress(IndexError):
                await bot.calls[-1].worker.cancel()
            await asyncio.wait({serving}, timeout=10)
