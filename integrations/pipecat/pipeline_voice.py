"""The pipeline as a voice: text goes into it as frames, and what is heard of it comes back."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol, cast

from pipecat.frames.frames import (
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSSpeakFrame,
)

from interject.agent.bounded import stopped
from interject.agent.voice.base import VoiceFailure
from interject.integrations.pipecat.played_frame import PlayedFrame
from interject.integrations.pipecat.reply_playout import SILENT_S, ReplyPlayout
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from pipecat.frames.frames import Frame

    from interject.agent.voice.base import SpokenChunk
    from interject.model_runtime.protocol import Emotion

logger = logging.getLogger(__name__)

PUSHED_S = 5.0
MOST_NOTICES = 8
"""Those that people are owed and that wait for their turn."""


class PipelinePort(Protocol):
    """The service's place in its pipeline."""

    async def push(self, frame: Frame) -> None:
        """To those behind it."""

    async def colour(self, emotion: Emotion) -> None:
        """Let the voice that follows say what comes in this emotion, if it can."""

    async def began(self) -> None:
        """A reply begins."""

    async def first_text(self) -> None: ...

    async def ended(self) -> None:
        """Its text is whole, or is cut."""

    async def interrupt(self) -> None:
        """Silence what was pushed."""


class PipelineVoice:
    """A `Voice` whose samples are characters: each has been heard when it comes out.

    One reply or notice is in the pipeline at a time, so that whatever sounds is known to be its.
    """

    def __init__(self, port: PipelinePort, *, silent_s: float = SILENT_S) -> None:
        self._port = port
        self._silent_s = silent_s
        self._turn = asyncio.Lock()
        self._reply: ReplyPlayout | None = None
        self._open = False
        self._notices = 0
        self._notice: ReplyPlayout | None = None
        self._closed = False

    @property
    def sample_rate_hz(self) -> int:
        """Nominal: nobody hears these samples."""
        return SAMPLE_RATE_HZ

    @property
    def sounding(self) -> bool:
        """A reply is heard now."""
        return self._reply is not None and self._reply.sounded and not self._reply.over

    async def speak(self, text: AsyncIterator[str], emotion: Emotion) -> AsyncIterator[SpokenChunk]:
        async with self._turn:
            start = PlayedFrame()
            self._reply = reply = ReplyPlayout(self._silent_s, start_id=start.id)
            await self._port.push(start)
            writing = asyncio.create_task(self._write(text, emotion, reply), name="pipeline-text")
            try:
                heard = cast("AsyncGenerator[SpokenChunk, None]", reply.chunks())
                async with aclosing(heard) as chunks:
                    async for chunk in chunks:
                        yield chunk
            finally:
                await stopped(writing, within_s=PUSHED_S)

    async def aclose(self) -> None:
        """The pipeline has owners of its own."""

    # What the service asks

    async def silence(self) -> None:
        """What was pushed and has not been played is taken back."""
        reply = self._reply
        if reply is None or reply.over or self._closed:
            return
        reply.flush()
        await self._port.interrupt()
        await self._end()

    async def notify(self, text: str) -> None:
        """Say what people are owed: nothing interrupts it, and the model does not learn of it."""
        if self._notices >= MOST_NOTICES:
            logger.warning("A notice is not said; too many wait")
            return
        self._notices += 1
        try:
            async with self._turn:
                await self._notify(text)
        finally:
            self._notices -= 1

    async def close(self) -> None:
        """The pipeline ends by itself: what it has been given it may say to the end."""
        self._closed = True
        if self._notice is not None:
            self._notice.play_out()
        await self._end()

    # What the pipeline tells

    async def flushed(self) -> bool:
        """Somebody else has interrupted the pipeline; whether that cut a reply."""
        reply = self._reply
        if reply is None or reply.over:
            return False
        reply.flush()
        await self._end()
        return True

    def on_words(self, words: str, *, timed: bool) -> None:
        if self._reply is not None:
            self._reply.say(words, timed=timed)

    def on_sound(self, seconds: float, *, own: bool = True) -> None:
        """`own`: not what the program says by itself."""
        for playing in self._in_pipeline():
            playing.sound(seconds, own=own)

    def on_mark(self, frame_id: int) -> None:
        for playing in self._in_pipeline():
            playing.passed(frame_id)

    def on_error(self, reason: str) -> None:
        """The voice behind the service says that it failed."""
        if self._reply is not None:
            self._reply.error = reason

    async def _write(self, text: AsyncIterator[str], emotion: Emotion, reply: ReplyPlayout) -> None:
        await self._port.colour(emotion)
        self._open = True
        await self._port.began()
        await self._port.push(LLMFullResponseStartFrame())
        async for part in text:
            if reply.flushed:
                return
            if not reply.text:
                await self._port.first_text()
            reply.text += part
            await self._port.push(LLMTextFrame(part))
        await self._end()
        mark = PlayedFrame()
        reply.mark_id = mark.id
        await self._port.push(mark)

    async def _end(self) -> None:
        """Every response that began ends, once."""
        if self._open:
            self._open = False
            await self._port.push(LLMFullResponseEndFrame())
            await self._port.ended()

    async def _notify(self, text: str) -> None:
        if self._closed:
            return
        spoken, mark = TTSSpeakFrame(text, append_to_context=False), PlayedFrame()
        spoken.interruptible = mark.interruptible = False
        self._notice = notice = ReplyPlayout(self._silent_s)
        notice.mark_id = mark.id
        await self._port.push(spoken)
        await self._port.push(mark)
        try:
            async for _ in notice.chunks():
                """How much of it was heard interests nobody."""
        except VoiceFailure:
            logger.warning("A notice was not said to its end")
        finally:
            self._notice = None

    def _in_pipeline(self) -> tuple[ReplyPlayout, ...]:
        return tuple(filter(None, (self._notice, self._reply)))
