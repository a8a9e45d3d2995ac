"""A Pipecat bot that hears all the time and speaks when Interject's model decides to.

    python examples/pipecat_bot.py -t webrtc

It says which address to open. `INTERJECT_RUNTIME` names another runtime than `local:nano`, and
`INTERJECT_PROFILE` another profile than `default`. See docs/pipecat.md.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, Any

from pipecat.evals.transport import EvalTransportParams
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker, ProcessorUnusablePolicy
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.runner.utils import create_transport
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams
from pipecat.workers.runner import WorkerRunner

from interject.config import ProfileError, load_profile
from interject.integrations.pipecat import InterjectLLMService, InterjectTTSService
from interject.model_runtime import open_runtime
from interject.model_runtime.local.process import ServerProcess
from interject.model_runtime.opening import check_runtime
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipecat.runner.types import RunnerArguments

    from interject.model_runtime.protocol import Runtime


@functools.cache
def runtime() -> Runtime:
    """One model for all calls of this process."""
    return open_runtime(os.environ.get("INTERJECT_RUNTIME", "local:nano"))


def livekit() -> TransportParams:
    from pipecat.transports.livekit.transport import LiveKitParams

    return LiveKitParams(audio_in_enabled=True, audio_out_enabled=True)


TRANSPORTS: dict[str, Callable[[], Any]] = {
    "eval": lambda: EvalTransportParams(audio_in_enabled=True, audio_out_enabled=True),
    "livekit": livekit,
    "twilio": lambda: FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True),
    "webrtc": lambda: TransportParams(audio_in_enabled=True, audio_out_enabled=True),
}


async def bot(runner_args: RunnerArguments) -> None:
    transport = await create_transport(runner_args, TRANSPORTS)
    llm = InterjectLLMService(
        runtime=runtime(), profile=os.environ.get("INTERJECT_PROFILE", "default")
    )
    user, assistant = LLMContextAggregatorPair(LLMContext())
    pipeline = Pipeline(
        [transport.input(), user, llm, InterjectTTSService(), transport.output(), assistant]
    )
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(
            audio_in_sample_rate=16_000, audio_out_sample_rate=24_000, enable_metrics=True
        ),
        idle_timeout_secs=None,
        # Nobody is left on a line that nobody answers.
        processor_unusable_policy=ProcessorUnusablePolicy.CANCEL,
    )

    @transport.event_handler("on_client_disconnected")
    async def gone(_transport: object, _client: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=runner_args.handle_sigint)
    await runner.add_workers(worker)
    await runner.run()


def run() -> None:
    """What cannot work is told before the bot is ready, and its model is loaded by then."""
    from pipecat.runner.run import main

    url = os.environ.get("INTERJECT_RUNTIME", "local:nano")
    load_profile(os.environ.get("INTERJECT_PROFILE", "default"))
    check_runtime(url)
    if not url.startswith("local:") or url.startswith("local:unix:"):
        runtime()
        main()
        return
    with ServerProcess(url.removeprefix("local:")) as model:
        os.environ["INTERJECT_RUNTIME"] = model.url
        main()


if __name__ == "__main__":
    try:
        run()
    except (ProfileError, RuntimeFailure) as error:
        print(f"pipecat_bot: {error}", file=sys.stderr)
        sys.exit(2)
