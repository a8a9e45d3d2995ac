"""Any runtime, watched from the process that uses it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.model_runtime.forwarding import ForwardingSession
from interject.model_runtime.protocol import (
    Closed,
    Decision,
    Gap,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    RuntimeBusy,
)
from interject.model_runtime.telemetry.chunk import ChunkName
from interject.model_runtime.telemetry.tracing import NoTracer, SpanName, Tracer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from interject.model_runtime.protocol import (
        Event,
        Frame,
        Runtime,
        RuntimeSession,
        SessionOptions,
    )
    from interject.model_runtime.telemetry.metrics import MediaMetrics

MOST_PENDING_FRAMES = 256
"""Of a session; more than any runtime queues before it reports a gap."""


class WatchedRuntime:
    """Passes everything on, and notes how long it took."""

    def __init__(
        self,
        runtime: Runtime,
        metrics: MediaMetrics,
        *,
        tracer: Tracer | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._runtime = runtime
        self._metrics = metrics
        self._tracer = tracer or NoTracer()
        self._clock_ns = clock_ns

    async def open(self, options: SessionOptions) -> RuntimeSession:
        try:
            session = await self._runtime.open(options)
        except RuntimeBusy:
            self._metrics.busy.inc()
            raise
        self._metrics.sessions.inc()
        watch = _SessionWatch(self._metrics, self._tracer, self._clock_ns)
        return _WatchedSession(session, watch)

    async def free_slots(self) -> int | None:
        """None: the runtime does not say."""
        ask = getattr(self._runtime, "free_slots", None)
        free: int | None = None if ask is None else await ask()
        return free

    async def aclose(self) -> None:
        await self._runtime.aclose()


@dataclass(slots=True)
class _SessionWatch:
    metrics: MediaMetrics
    tracer: Tracer
    clock_ns: Callable[[], int]
    pushed_ns: dict[int, int] = field(default_factory=dict)
    newest: Decision | None = None
    newest_ns: int = 0
    replies: dict[int, tuple[Decision, int]] = field(default_factory=dict)
    wordless: set[int] = field(default_factory=set)

    def pushed(self, seq: int) -> None:
        if len(self.pushed_ns) >= MOST_PENDING_FRAMES:
            del self.pushed_ns[next(iter(self.pushed_ns))]
        self.pushed_ns[seq] = self.clock_ns()

    def read(self, event: Event) -> None:
        match event:
            case Decision():
                self._decided(event)
            case ReplyStarted():
                self._reply_started(event)
            case ReplyDelta() if event.text and event.reply_id in self.wordless:
                self.wordless.discard(event.reply_id)
                waited_ns = self.clock_ns() - self.replies[event.reply_id][1]
                self.metrics.reply_start_s.observe(waited_ns / 1e9)
            case ReplyEnded():
                self._reply_ended(event)
            case Gap():
                self.metrics.undecided_frames.labels(event.reason.value).inc(event.count)
                for seq in range(event.first_seq, event.first_seq + event.count):
                    self.pushed_ns.pop(seq, None)
            case Closed():
                self.metrics.sessions.dec()

    def _decided(self, decision: Decision) -> None:
        now_ns = self.clock_ns()
        self.newest, self.newest_ns = decision, now_ns
        pushed_ns = self.pushed_ns.pop(decision.seq, None)
        if pushed_ns is None:
            return
        self.metrics.round_trip_s.observe((now_ns - pushed_ns) / 1e9)
        kind = "respond" if decision.respond else "silent"
        self.tracer.record(
            SpanName.CHUNK,
            ChunkName.of(decision.session_id, decision.captured_at),
            start_ns=pushed_ns,
            end_ns=now_ns,
            attributes={"interject.seq": decision.seq, "interject.decision": kind},
        )

    def _reply_started(self, start: ReplyStarted) -> None:
        if self.newest is not None and self.newest.seq == start.seq:
            self.replies[start.reply_id] = (self.newest, self.newest_ns)
            self.wordless.add(start.reply_id)

    def _reply_ended(self, end: ReplyEnded) -> None:
        self.wordless.discard(end.reply_id)
        begun = self.replies.pop(end.reply_id, None)
        if begun is None:
            return
        decision, started_ns = begun
        self.tracer.record(
            SpanName.REPLY,
            ChunkName.of(decision.session_id, decision.captured_at),
            start_ns=started_ns,
            end_ns=self.clock_ns(),
            attributes={
                "interject.reply": end.reply_id,
                "interject.reason": end.reason.value,
                "interject.tokens": end.token_count,
            },
        )


class _WatchedSession(ForwardingSession):
    def __init__(self, inner: RuntimeSession, watch: _SessionWatch) -> None:
        super().__init__(inner)
        self._watch = watch

    async def push(self, frame: Frame) -> None:
        self._watch.pushed(frame.seq)
        await super().push(frame)

    async def events(self) -> AsyncIterator[Event]:
        async for event in super().events():
            self._watch.read(event)
            yield event
