"""Pipecat's usual agent behind a telephone number, from local parts: run by `benchmarks.telephone`.

    PYTHON -m benchmarks.telephone_cascade HOST PORT

It takes our voice alone. HOST is the public one that TwiML names, PORT the one on loopback.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI, Response, WebSocket
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.transports.websocket.fastapi import (
    FastAPIWebsocketParams,
    FastAPIWebsocketTransport,
)
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

from interject.config import EspeakVoice
from interject.integrations.pipecat import InterjectTTSService

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pipecat.frames.frames import Frame

ASKED = "Can you help me with this?"
ANSWER = "I can help you with that."
TELEPHONE_HZ = 8_000


class CannedSTT(SegmentedSTTService):
    """Recognises a turn at once: a real one takes time that is not counted here."""

    def __init__(self) -> None:
        settings = STTSettings(model=None, language=None)
        super().__init__(settings=settings, ttfs_p99_latency=0.0, trailing_silence_secs=0.0)

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        yield TranscriptionFrame(ASKED, "", time_now_iso8601())


class CannedLLM(FrameProcessor):
    """Answers at once, always the same."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        await self.push_frame(LLMTextFrame(ANSWER))
        await self.push_frame(LLMFullResponseEndFrame())


class Agent:
    """One a call, with Pipecat's defaults: Silero, its own turn detector, its own strategies."""

    def ear(self) -> list[FrameProcessor]:
        """What writes down speech."""
        return [CannedSTT()]

    def mind(self) -> FrameProcessor:
        return CannedLLM()

    def turns(self) -> LLMUserAggregatorParams:
        return LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())

    async def answer(self, websocket: WebSocket) -> None:
        await websocket.accept()
        _, call = await parse_telephony_websocket(websocket)
        serializer = TwilioFrameSerializer(
            stream_sid=call["stream_id"],
            params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
        )
        transport = FastAPIWebsocketTransport(
            websocket=websocket,
            params=FastAPIWebsocketParams(
                audio_in_enabled=True, audio_out_enabled=True, serializer=serializer
            ),
        )
        user, assistant = LLMContextAggregatorPair(LLMContext(), user_params=self.turns())
        voice = InterjectTTSService(voice=EspeakVoice())
        pipeline = Pipeline(
            [
                transport.input(), *self.ear(), user, self.mind(), voice, transport.output(),
                assistant,
            ]
        )  # fmt: skip
        worker = PipelineWorker(
            pipeline,
            params=PipelineParams(
                audio_in_sample_rate=TELEPHONE_HZ, audio_out_sample_rate=TELEPHONE_HZ
            ),
            idle_timeout_secs=None,
        )

        async def gone(*_: object) -> None:
            await worker.cancel()

        transport.add_event_handler("on_client_disconnected", gone)
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()


def application(host: str, agent: Agent) -> FastAPI:
    app = FastAPI()
    stream = f'<Connect><Stream url="wss://{host}/media"/></Connect>'

    @app.post("/voice")
    async def voice() -> Response:
        return Response(f"<Response>{stream}</Response>", media_type="text/xml")

    app.add_api_websocket_route("/media", agent.answer)
    return app


async def serve(host: str, port: str, agent: Agent) -> None:
    config = uvicorn.Config(application(host, agent), port=int(port), access_log=False)
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], Agent()))
