"""Agents in Pipecat's pipeline behind a telephone number: run by `benchmarks.pipecat`.

PYTHON -m benchmarks.pipecat_agents HOST PORT NAME RUNTIME
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from pipecat.processors.aggregators.llm_response_universal import LLMUserAggregatorParams
from pipecat.services.whisper.stt import WhisperSTTService

from benchmarks.telephone_cascade import Agent, serve
from benchmarks.voice_packages import WHISPER_PACKAGE, package_folder
from interject.config import load_profile
from interject.integrations.pipecat import InterjectLLMService
from interject.model_runtime import open_runtime
from interject.model_runtime.protocol import SessionOptions

if TYPE_CHECKING:
    from pipecat.processors.frame_processor import FrameProcessor

    from interject.model_runtime.protocol import Runtime


class WhisperAgent(Agent):
    """Recognises for real, with a small Whisper on this machine."""

    def ear(self) -> list[FrameProcessor]:
        folder = package_folder(WHISPER_PACKAGE)
        assert folder is not None, f"{WHISPER_PACKAGE} comes with the extra dev"
        settings = WhisperSTTService.Settings(model=str(folder / "model"))
        return [WhisperSTTService(device="cpu", compute_type="int8", settings=settings)]


class InterjectAgent(Agent):
    """Our service in the place of recogniser, turn detector and language model."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        profile = load_profile("default")
        room = profile.room.model_copy(update={"announce": "none"})
        self._profile = profile.model_copy(update={"room": room})

    def ear(self) -> list[FrameProcessor]:
        return []

    def mind(self) -> FrameProcessor:
        return InterjectLLMService(runtime=self._runtime, profile=self._profile)

    def turns(self) -> LLMUserAggregatorParams:
        return LLMUserAggregatorParams()


async def ready(runtime: Runtime) -> Runtime:
    """With its model loaded: the first call is to be like the others."""
    session = await runtime.open(SessionOptions("warm-up", system_prompt="listen"))
    await session.close()
    return runtime


async def main(host: str, port: str, name: str, url: str) -> None:
    match name:
        case "interject":
            agent: Agent = InterjectAgent(await ready(open_runtime(url)))
        case "whisper":
            agent = WhisperAgent()
        case _:
            agent = Agent()
    await serve(host, port, agent)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
