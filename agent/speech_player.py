"""Says replies one after another, keeps account of what was heard, and stops when told to."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol, cast

from interject.agent.bounded import ended_well, stopped
from interject.agent.outputs import stream_time_s
from interject.agent.playout import PlayoutLedger
from interject.agent.speech_queue import SpeechQueue
from interject.agent.voice.base import VoiceFailure
from interject.model_runtime.protocol import SAMPLE_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from interject.agent.floor import Floor
    from interject.agent.sinks import AudioSink
    from interject.agent.spoken_reply import SpokenReply
    from interject.agent.voice.base import SpokenChunk, Voice

logger = logging.getLogger(__name__)

PIECE_S = 0.1
PATIENCE_S = 10.0
"""How long a sink may take to fall silent, or may play nothing once the stream has ended."""


class SpeechReports(Protocol):
    """Where the speech task says what became of the replies."""

    async def on_heard(self, reply: SpokenReply, *, chars: int) -> None: ...

    async def on_spoken(self, reply: SpokenReply, *, heard_chars: int, whole: bool) -> None: ...


class SpeechPlayer:
    """One reply at a time; the others wait in order, urgent ones first.

    Only `run` begins, ends and reports speech; whoever cuts it asks, and waits. So a cut that is
    itself cancelled leaves nothing half done, nor does a sink that raises or hangs.
    """

    def __init__(
        self,
        voice: Voice,
        sink: AudioSink,
        floor: Floor,
        reports: SpeechReports,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._voice = voice
        self._sink = sink
        self._floor = floor
        self._reports = reports
        self._patience_s = patience_s
        self._waiting: SpeechQueue[SpokenReply] = SpeechQueue()
        self._wake = asyncio.Event()
        self._closing = False
        self._current: SpokenReply | None = None
        self._task: asyncio.Task[None] | None = None
        self._ledger = PlayoutLedger()
        self._base_samples = 0
        self._reported_chars = 0
        self.voice_failures = 0

    @property
    def current(self) -> SpokenReply | None:
        return self._current

    @property
    def saying(self) -> tuple[int, int] | None:
        """The id of the reply that is being said, and how many of its characters were heard."""
        reply = self._current
        return None if reply is None else (reply.started.reply_id, self.ledger.heard_chars)

    @property
    def ledger(self) -> PlayoutLedger:
        """Of the reply that is being said, or of the last one, at this moment's position."""
        if self._current is not None:
            self._ledger.played_to(self._sink.position_samples - self._base_samples)
        return self._ledger

    @property
    def says_reply(self) -> bool:
        """Whether whoever talks over it may cut it: people are owed the session's own words."""
        reply = self._current
        return reply is not None and not (reply.cut or reply.own_words)

    async def offer(self, reply: SpokenReply) -> None:
        """Put a reply in line; the oldest that is not urgent gives way in a line that is full."""
        victim = self._waiting.make_room()
        self._waiting.put(reply)
        if self._current is not None and not self._current.cut:
            self._floor.hold()
        self._wake.set()
        if victim is not None:
            await self._drop(victim)

    def close(self) -> None:
        """Let `run` end once everything in line has been said."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        while True:
            while self._waiting:
                await self._say(self._waiting.take())
            if self._closing:
                return
            self._wake.clear()
            await self._wake.wait()

    async def cut(self) -> None:
        """Stop what is being said; returns when it is silent and what was heard is reported."""
        reply, task = self._current, self._task
        if reply is None or task is None:
            return
        if not reply.cut:
            reply.cut = True
            self._floor.give_way()
            task.cancel()
        await reply.settled.wait()

    async def make_way(self) -> None:
        """For an urgent reply that is in line: own words are said again behind it."""
        if (reply := self._current) is not None and reply.own_words and not reply.cut:
            self._waiting.put(reply.again())
        await self.cut()

    async def drop_waiting(self, *, own_words: bool = False) -> None:
        """Own words keep their turn, unless they too are to go."""
        waiting = [self._waiting.take() for _ in range(len(self._waiting))]
        kept = [reply for reply in waiting if reply.own_words and not own_words]
        for reply in kept:
            self._waiting.put(reply)
        for reply in waiting:
            if reply not in kept:
                await self._drop(reply)

    async def report(self) -> None:
        """Tell how far the present reply has been heard, if that has changed."""
        reply = self._current
        if reply is None or reply.cut:
            return
        chars = self.ledger.heard_chars
        if chars > self._reported_chars:
            self._reported_chars = chars
            await self._reports.on_heard(reply, chars=chars)

    async def _drop(self, reply: SpokenReply) -> None:
        reply.settled.set()
        await self._reports.on_spoken(reply, heard_chars=0, whole=False)

    async def _say(self, reply: SpokenReply) -> None:
        self._floor.start(reply.started.emotion, waiting=len(self._waiting))
        self._ledger = PlayoutLedger()
        self._base_samples = self._sink.position_samples
        self._reported_chars = 0
        self._current = reply
        try:
            try:
                whole = await self._sound(reply)
            finally:
                heard = self._leave_floor(reply)
            chars = len(reply.feed.text) if whole else heard
            await self._reports.on_spoken(reply, heard_chars=chars, whole=whole)
        finally:
            reply.settled.set()

    async def _sound(self, reply: SpokenReply) -> bool:
        """Whether it was played to its end. However this is left, nothing of it sounds any more."""
        name = f"reply-{reply.started.reply_id}"
        self._task = task = asyncio.create_task(self._play(reply), name=name)
        whole = False
        try:
            await self._until_over(reply, task)
            whole = await stopped(task, within_s=self._patience_s)
            whole = whole and not reply.cut and not reply.failed
        finally:
            task.cancel()
            if not whole:
                await ended_well(self._sink.clear(), within_s=self._patience_s)
        return whole

    async def _until_over(self, reply: SpokenReply, task: asyncio.Task[None]) -> None:
        """Sound may stand still as long as its stream does, but not after that, nor once cut."""
        while not task.done():
            ending, position = self._closing or reply.cut, self._sink.position_samples
            await asyncio.wait({task}, timeout=self._patience_s)
            if ending and self._sink.position_samples == position:
                return

    def _leave_floor(self, reply: SpokenReply) -> int:
        """How many characters of it were heard."""
        heard = self.ledger.heard_chars
        self._current = self._task = None
        if reply.cut:
            self._floor.resume()
        else:
            self._floor.finish()
        return heard

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
            await reply.feed.finished()
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
