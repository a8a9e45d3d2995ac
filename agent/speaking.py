"""Says replies one after another, keeps account of what was heard, and stops when told to."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

from interject.agent.outputs import stream_time_s
from interject.agent.playout import PlayoutLedger
from interject.agent.text_feed import TextFeed
from interject.agent.voice.base import VoiceFailure
from interject.agent.waiting import Waiting
from interject.model_runtime.protocol import SAMPLE_BYTES, Emotion

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from interject.agent.floor import Floor
    from interject.agent.sinks import AudioSink
    from interject.agent.voice.base import SpokenChunk, Voice
    from interject.model_runtime.protocol import ReplyStarted

logger = logging.getLogger(__name__)

PIECE_S = 0.1


@dataclass(slots=True, eq=False)
class SpokenReply:
    """A reply on its way to the ear. `settled` is set when a cut has been carried out."""

    started: ReplyStarted
    feed: TextFeed = field(default_factory=TextFeed)
    cut: bool = False
    failed: bool = False
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def urgent(self) -> bool:
        return self.started.emotion is Emotion.URGENT


class SpeechReports(Protocol):
    """Where the speech task says what became of the replies."""

    async def on_heard(self, reply: SpokenReply, *, chars: int) -> None: ...

    async def on_spoken(self, reply: SpokenReply, *, heard_chars: int, whole: bool) -> None: ...


class Speaking:
    """One reply at a time; the others wait in order, urgent ones first."""

    def __init__(self, voice: Voice, sink: AudioSink, floor: Floor, reports: SpeechReports) -> None:
        self._voice = voice
        self._sink = sink
        self._floor = floor
        self._reports = reports
        self._waiting: Waiting[SpokenReply] = Waiting()
        self._wake = asyncio.Event()
        self._closing = False
        self._current: SpokenReply | None = None
        self._task: asyncio.Task[None] | None = None
        self._ledger = PlayoutLedger(voice.sample_rate_hz)
        self._base_samples = 0
        self._reported_chars = 0
        self.voice_failures = 0

    @property
    def current(self) -> SpokenReply | None:
        return self._current

    @property
    def ledger(self) -> PlayoutLedger:
        """Of the reply that is being said, or of the last one, at this moment's position."""
        if self._current is not None:
            self._ledger.played_to(self._sink.position_samples - self._base_samples)
        return self._ledger

    async def offer(self, reply: SpokenReply) -> None:
        """Put a reply in line; the oldest that is not urgent gives way in a line that is full."""
        victim = self._waiting.make_room()
        if victim is not None:
            await self._reports.on_spoken(victim, heard_chars=0, whole=False)
        self._waiting.put(reply)
        if self._current is not None and not self._current.cut:
            self._floor.hold()
        self._wake.set()

    def close(self) -> None:
        """Let `run` end once everything in line has been said."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                while self._waiting:
                    await self._say(self._waiting.take(), group)
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()

    async def cut(self) -> None:
        """Stop what is being said, at once, and report how much of it was heard."""
        reply, task = self._current, self._task
        if reply is None or task is None or reply.cut:
            return
        reply.cut = True
        self._floor.give_way()
        task.cancel()
        await asyncio.wait({task})
        await self._sink.clear()
        heard = self.ledger.heard_chars
        self._current = None
        self._floor.resume()
        reply.settled.set()
        await self._reports.on_spoken(reply, heard_chars=heard, whole=False)

    async def drop_waiting(self) -> None:
        while self._waiting:
            await self._reports.on_spoken(self._waiting.take(), heard_chars=0, whole=False)

    async def report(self) -> None:
        """Tell how far the present reply has been heard, if that has changed."""
        reply = self._current
        if reply is None or reply.cut:
            return
        chars = self.ledger.heard_chars
        if chars > self._reported_chars:
            self._reported_chars = chars
            await self._reports.on_heard(reply, chars=chars)

    async def _say(self, reply: SpokenReply, group: asyncio.TaskGroup) -> None:
        self._floor.start(reply.started.emotion, waiting=len(self._waiting))
        self._ledger = PlayoutLedger(self._voice.sample_rate_hz)
        self._base_samples = self._sink.position_samples
        self._reported_chars = 0
        self._current = reply
        self._task = group.create_task(self._play(reply), name=f"reply-{reply.started.reply_id}")
        await asyncio.wait({self._task})
        if reply.cut:
            await reply.settled.wait()
            return
        heard = self.ledger.heard_chars
        self._current = None
        self._floor.finish()
        whole = not reply.failed
        chars = len(reply.feed.text) if whole else heard
        await self._reports.on_spoken(reply, heard_chars=chars, whole=whole)

    async def _play(self, reply: SpokenReply) -> None:
        self._sink.begin(stream_time_s(reply.started.seq))
        speech = self._voice.speak(reply.feed.read(), reply.started.emotion)
        try:
            async with aclosing(cast("AsyncGenerator[SpokenChunk, None]", speech)) as chunks:
                async for chunk in chunks:
                    await self._write(chunk)
        except VoiceFailure as exc:
            reply.failed = True
            self.voice_failures += 1
            logger.warning("The voice failed", extra={"reason": str(exc)})
        await self._sink.drain()

    async def _write(self, chunk: SpokenChunk) -> None:
        self._ledger.add(chunk)
        for piece in _pieces(chunk.pcm, self._voice.sample_rate_hz):
            await self._sink.write(piece, self._voice.sample_rate_hz)
            await self.report()


def _pieces(pcm: bytes, sample_rate_hz: int) -> Iterator[bytes]:
    size = round(PIECE_S * sample_rate_hz) * SAMPLE_BYTES
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]
