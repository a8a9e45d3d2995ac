"""A reply that a pipeline is given, and what is told of it as heard."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.integrations.pipecat.pipeline_voice import PipelineVoice

TEXT = "The bread is burning. Take it out!"


async def whole(text: str) -> AsyncIterator[str]:
    yield text


@contextlib.asynccontextmanager
async def said(voice: PipelineVoice) -> AsyncIterator[list[str]]:
    """What is heard of the reply, word for word."""
    heard: list[str] = []

    async def follow() -> None:
        async for chunk in voice.speak(whole(TEXT), Emotion.NORMAL):
            heard.extend(word.text for word in chunk.words)

    async with asyncio.TaskGroup() as group:
        following = group.create_task(follow())
        yield heard
        following.cancel()
