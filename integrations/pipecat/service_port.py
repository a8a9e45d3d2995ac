"""The service's place in its pipeline: frames to those behind it, and what its metrics are told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipecat.frames.frames import TTSUpdateSettingsFrame
from pipecat.services.tts_service import TTSService

from interject.integrations.pipecat.emotions import emotion_settings
from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipecat.frames.frames import Frame
    from pipecat.processors.frame_processor import FrameProcessor
    from pipecat.services.llm_service import LLMService


class ServicePort:
    """A `PipelinePort`. Time to first byte runs from the end of the sound that led to a reply."""

    def __init__(self, service: LLMService) -> None:
        self._service = service
        self._emotion = Emotion.NORMAL
        self.queued_s = 0.0
        """Of the last decision: from the end of its sound until it was made."""

    async def push(self, frame: Frame) -> None:
        await self._service.push_frame(frame)

    async def colour(self, emotion: Emotion) -> None:
        if emotion is self._emotion:
            return
        self._emotion = emotion
        for voice in voices(self._service.pipeline_worker.pipeline):
            if (delta := emotion_settings(voice, emotion)) is not None:
                await self.push(TTSUpdateSettingsFrame(delta=delta, service=voice))

    async def began(self) -> None:
        await self._service.start_processing_metrics()
        await self._service.start_ttfb_metrics(start_time=time.time() - self.queued_s)

    async def first_text(self) -> None:
        await self._service.stop_ttfb_metrics()

    async def ended(self) -> None:
        await self._service.stop_processing_metrics()

    async def interrupt(self) -> None:
        await self._service.broadcast_interruption()


def voices(pipeline: FrameProcessor) -> list[TTSService]:
    return [one for one in processors(pipeline) if isinstance(one, TTSService)]


def processors(root: FrameProcessor) -> Iterator[FrameProcessor]:
    """Of a pipeline, and of the pipelines that it holds."""
    yield root
    for inner in root.processors:
        yield from processors(inner)
