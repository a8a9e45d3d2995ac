"""One session under load: a sender on the clock and a receiver."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from interject.cli.bench.outcome import ChunkTimes, LatencyStage
from interject.model_runtime.protocol import (
    FRAME_S,
    Closed,
    CloseReason,
    Decision,
    Gap,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    SessionClosed,
)

if TYPE_CHECKING:
    from interject.cli.bench.looped_sound import RoomSound
    from interject.cli.bench.outcome import Outcome
    from interject.cli.bench.plan import TalkPlan
    from interject.model_runtime.protocol import Event, RuntimeSession

LONGEST_DRAIN_S = 30.0
"""What is not decided so long after the last chunk is given up."""


class DecisionObserver(Protocol):
    """Wants to know of every decision, also of those in the warm-up."""

    def __call__(self, session_id: str, seq: int, times: ChunkTimes) -> None: ...


class LoadSession:
    """Sends whether or not earlier chunks have been decided."""

    def __init__(
        self,
        session: RuntimeSession,
        *,
        room: RoomSound,
        talk: TalkPlan,
        outcome: Outcome,
        stop: asyncio.Event,
        observer: DecisionObserver | None = None,
    ) -> None:
        self._session = session
        self._room = room
        self._talk = talk
        self._outcome = outcome
        self._stop = stop
        self._observer = observer
        self._waiting: dict[int, tuple[float, float]] = {}
        self._asked_at: float | None = None
        self._token_at = 0.0
        self._measured_from = 0.0

    async def run(self, begin: float, *, seconds: float, warm_up_s: float) -> None:
        """Send for so long or until stopped, then wait for what is still owed."""
        self._measured_from = begin + warm_up_s
        async with asyncio.TaskGroup() as tasks:
            receiving = tasks.create_task(self._receive(), name="receive")
            try:
                await self._send(begin, seconds)
                await self._session.finish()
            except SessionClosed:
                pass
            await self._drain(receiving)
        self._outcome.lost_chunks += len(self._waiting)

    async def _send(self, begin: float, seconds: float) -> None:
        now = asyncio.get_running_loop().time
        for seq in range(round(seconds / FRAME_S)):
            due = begin + (seq + 1) * FRAME_S
            await asyncio.sleep(max(0.0, due - now()))
            if self._stop.is_set():
                return
            # A runtime in this process may decide before the push returns.
            self._waiting[seq] = due, due
            await self._session.push(self._room.frame(seq, due - FRAME_S))
            if seq in self._waiting:
                self._waiting[seq] = due, now()
            if self._talk.is_due(due):
                self._asked_at = now()
                await self._session.answer_now()

    async def _drain(self, receiving: asyncio.Task[None]) -> None:
        done, _ = await asyncio.wait([receiving], timeout=LONGEST_DRAIN_S)
        if not done:
            receiving.cancel()
            self._outcome.failures.append("the session did not end")
            await self._session.close()

    async def _receive(self) -> None:
        now = asyncio.get_running_loop().time
        async for event in self._session.events():
            self._take(event, now())

    def _take(self, event: Event, now: float) -> None:
        match event:
            case Decision():
                self._decided(event, now)
            case Gap(first_seq=first, count=count):
                self._outcome.lost_chunks += count
                for seq in range(first, first + count):
                    self._waiting.pop(seq, None)
            case ReplyStarted() if self._asked_at is None:
                self._asked_at = now
            case ReplyDelta(token_ids=ids) if ids:
                self._token(now)
            case ReplyEnded(token_count=count):
                self._asked_at, self._token_at = None, 0.0
                self._talk.said(count, now)
                if now >= self._measured_from:
                    self._outcome.replies += 1
                    self._outcome.reply_tokens += count
            case Closed(reason=reason, detail=detail) if reason is not CloseReason.CLIENT:
                self._outcome.failures.append(f"{reason}: {detail}" if detail else str(reason))

    def _decided(self, decision: Decision, now: float) -> None:
        due, sent = self._waiting.pop(decision.seq, (now, now))
        times = ChunkTimes(due, sent, now, decision.queued_s)
        if due >= self._measured_from:
            self._outcome.decided(times)
        if self._observer is not None:
            self._observer(decision.session_id, decision.seq, times)

    def _token(self, now: float) -> None:
        since, stage = self._token_at, LatencyStage.NEXT_TOKEN
        if not since:
            since, stage = self._asked_at or now, LatencyStage.FIRST_TOKEN
        self._token_at = now
        if now >= self._measured_from:
            self._outcome.stages[stage].add(1e3 * (now - since))
