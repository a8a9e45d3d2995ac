"""Pipecat's own pipeline around our services, behind its own transport for telephones."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Response, WebSocket
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

from interject.config import EspeakVoice, Profile
from interject.integrations.pipecat.llm_service import InterjectLLMService
from interject.integrations.pipecat.tts_service import InterjectTTSService
from interject.integrations.twilio.simulator.cloud import TwilioCloud
from tests.fakes.runtime import FakeRuntime
from tests.integrations.web.served import served
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from pipecat.frames.frames import ErrorFrame
    from pipecat.processors.frame_processor import FrameProcessor
    from pipecat.transports.base_transport import BaseTransport

    from interject.integrations.conversation.call_agent import CallAgent
    from interject.integrations.pipecat.settings import InterjectLLMSettings
    from interject.integrations.twilio.simulator.call import SimulatedCall
    from tests.fakes.runtime import FakeRuntimeSession

ORIGIN = "https://pipecat.example.test"
VOICE_URL = f"{ORIGIN}/voice"
TELEPHONE_HZ = 8_000
QUIET = {"name": "bot", "system_prompt": "listen", "room": {"announce": "none"}}


def quiet_profile(**changes: Any) -> Profile:
    return Profile.model_validate(QUIET | changes)


@dataclass
class PipecatCall:
    """One call as a bot sees it, and the telephone at its other end."""

    llm: InterjectLLMService
    worker: PipelineWorker
    context: LLMContext
    runtime: FakeRuntime
    errors: list[ErrorFrame] = field(default_factory=list)
    caller: SimulatedCall = field(init=False)

    @property
    def model(self) -> FakeRuntimeSession:
        return self.runtime.sessions[-1]

    @property
    def agent(self) -> CallAgent:
        agent = self.llm.agent
        assert agent is not None, "the agent is gone"
        return agent


def voice() -> InterjectTTSService:
    return InterjectTTSService(voice=EspeakVoice())


def piped(
    runtime: FakeRuntime,
    llm: InterjectLLMService,
    *,
    before: Sequence[FrameProcessor] = (),
    behind: Sequence[FrameProcessor] = (),
    rate_hz: int = TELEPHONE_HZ,
) -> PipecatCall:
    """A pipeline around the service, that does not run yet."""
    context = LLMContext()
    user, assistant = LLMContextAggregatorPair(context)
    worker = PipelineWorker(
        Pipeline([*before, user, llm, *behind, assistant]),
        params=PipelineParams(audio_in_sample_rate=rate_hz, audio_out_sample_rate=rate_hz),
        idle_timeout_secs=None,
    )
    made = PipecatCall(llm, worker, context, runtime)

    async def failed(_worker: object, frame: ErrorFrame) -> None:
        made.errors.append(frame)

    worker.add_event_handler("on_pipeline_error", failed)
    return made


async def run(call: PipecatCall) -> None:
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(call.worker)
    await runner.run()


@contextlib.asynccontextmanager
async def written_to(
    runtime: FakeRuntime | None = None,
    *,
    make: Callable[..., InterjectLLMService] = InterjectLLMService,
) -> AsyncIterator[PipecatCall]:
    """A pipeline without sound, once it has begun."""
    model = runtime or FakeRuntime(deciding=False)
    call = piped(model, make(runtime=model, profile=quiet_profile()))
    begun = asyncio.Event()
    call.worker.add_event_handler("on_pipeline_started", lambda *_: begun.set())
    async with asyncio.TaskGroup() as group:
        group.create_task(run(call))
        await until(lambda: begun.is_set() or call.errors, "the pipeline")
        yield call
        await call.worker.cancel()


class Bot:
    """What a user of Pipecat's writes: a pipeline for each call, whatever its transport."""

    def __init__(
        self,
        runtime: FakeRuntime,
        make_llm: Callable[[], InterjectLLMService],
        make_tts: Callable[[], FrameProcessor] = voice,
    ) -> None:
        self.calls: list[PipecatCall] = []
        self._runtime = runtime
        self._make_llm, self._make_tts = make_llm, make_tts

    async def serve(self, transport: BaseTransport, *, rate_hz: int = TELEPHONE_HZ) -> None:
        llm = self._make_llm()
        made = piped(
            self._runtime,
            llm,
            before=[transport.input()],
            behind=[self._make_tts(), transport.output()],
            rate_hz=rate_hz,
        )

        async def gone(*_: object) -> None:
            await made.worker.cancel()

        transport.add_event_handler("on_client_disconnected", gone)
        self.calls.append(made)
        await run(made)

    async def call(self) -> PipecatCall:
        """The one that has come, once it hears or cannot."""
        await until(lambda: self.calls, "the bot")
        call = self.calls[-1]
        await until(lambda: call.llm.agent or call.errors, "the model or none")
        return call


def telephone_app(bot: Bot) -> FastAPI:
    app = FastAPI()
    stream = f'<Connect><Stream url="{ORIGIN.replace("https", "wss")}/media"/></Connect>'

    @app.post("/voice")
    async def answer() -> Response:
        return Response(f"<Response>{stream}</Response>", media_type="text/xml")

    async def media(websocket: WebSocket) -> None:
        await websocket.accept()
        _, call = await parse_telephony_websocket(websocket)
        params = TwilioFrameSerializer.InputParams(auto_hang_up=False)
        serializer = TwilioFrameSerializer(stream_sid=call["stream_id"], params=params)
        transport = FastAPIWebsocketTransport(
            websocket=websocket,
            params=FastAPIWebsocketParams(
                audio_in_enabled=True, audio_out_enabled=True, serializer=serializer
            ),
        )
        await bot.serve(transport)

    app.add_api_websocket_route("/media", media)
    return app


@contextlib.asynccontextmanager
async def phoned(
    runtime: FakeRuntime | None = None,
    *,
    profile: Profile | None = None,
    settings: InterjectLLMSettings | None = None,
    make_tts: Callable[[], FrameProcessor] = voice,
) -> AsyncIterator[PipecatCall]:
    """Somebody has phoned the bot."""
    model = runtime or FakeRuntime(deciding=False)
    role = profile or quiet_profile()
    bot = Bot(
        model,
        lambda: InterjectLLMService(runtime=model, profile=role, settings=settings),
        make_tts,
    )
    async with (
        served(telephone_app(bot)) as url,
        TwilioCloud({ORIGIN: url.removeprefix("http://")}) as cloud,
        cloud.phones(VOICE_URL) as caller,
    ):
        call = await bot.call()
        call.caller = caller
        yield call
