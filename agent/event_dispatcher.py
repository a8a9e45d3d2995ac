"""Follows a runtime session's events and hands each to what it concerns."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from interject.agent.outputs import stream_time_s
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Gap,
    GapReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    RuntimeFailure,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.replies import Replies
    from interject.agent.sinks import AudioSink
    from interject.agent.speech_player import SpeechPlayer
    from interject.model_runtime.protocol import Event, RuntimeSession


class EventDispatcher:
    """Counts decisions and gaps, moves the sink's time on, and lets a fast reader wait."""

    def __init__(
        self,
        replies: Replies,
        player: SpeechPlayer,
        sink: AudioSink,
        observer: Callable[[Event], None] | None,
    ) -> None:
        self._replies = replies
        self._player = player
        self._sink = sink
        self._observer = observer
        self._progress = asyncio.Event()
        self.decisions = 0
        self.decided_seq = -1
        self.gaps = dict.fromkeys(GapReason, 0)
        self.ended: Closed | None = None

    async def run(self, runtime: RuntimeSession) -> None:
        try:
            async for event in runtime.events():
                if self._observer is not None:
                    self._observer(event)
                await self._handle(event)
        finally:
            self._end(runtime.session_id)

    async def wait_until_near(self, seq: int, *, frames: int) -> None:
        """Return when at most `frames` frames up to `seq` are undecided, or none will be."""
        while self.ended is None and seq - self.decided_seq > frames:
            self._progress.clear()
            await self._progress.wait()

    def raise_failure(self) -> None:
        """:raises RuntimeFailure: when the runtime broke the session off."""
        if self.ended is not None and self.ended.reason is CloseReason.FAILURE:
            detail = self.ended.detail or "it gave no reason"
            raise RuntimeFailure(f"the runtime ended the session: {detail}")

    def _end(self, session_id: str) -> None:
        """No event follows, for whatever reason: nobody may wait for one."""
        if self.ended is None:
            self.ended = Closed(session_id, CloseReason.FAILURE, "its events broke off")
        self._replies.closed()
        self._player.close()
        self._progress.set()
        self._sink.advance(math.inf)

    async def _handle(self, event: Event) -> None:
        match event:
            case Decision():
                self.decisions += 1
                await self._decided(event.seq)
            case Gap():
                self.gaps[event.reason] += event.count
                await self._decided(event.first_seq + event.count - 1)
            case ReplyStarted():
                await self._replies.started(event)
            case ReplyDelta():
                await self._replies.delta(event)
            case ReplyEnded():
                await self._replies.ended(event)
            case Closed():
                self.ended = event

    async def _decided(self, seq: int) -> None:
        self.decided_seq = max(self.decided_seq, seq)
        self._progress.set()
        self._sink.advance(stream_time_s(seq))
        await self._player.report()
