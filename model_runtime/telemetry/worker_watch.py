"""What a worker does, as metrics, health and spans."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from interject.model_runtime.protocol import (
    Closed,
    Decision,
    Gap,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)
from interject.model_runtime.telemetry.chunk import ChunkName
from interject.model_runtime.telemetry.health import Stage
from interject.model_runtime.telemetry.tracing import NoTracer, SpanName, Tracer

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.telemetry.health import Health
    from interject.model_runtime.telemetry.metrics import WorkerMetrics

MOST_LOST_FRAMES = 9_000
"""An hour. Who skips more has miscounted: nothing was lost, and it counts as one."""


class WorkerObserver(Protocol):
    """What a worker reports, from its event loop. No method may fail or wait."""

    def started(self) -> None:
        """The worker is registered and takes sessions."""

    def output(self, item: object) -> None:
        """An event is about to be written; other items are ignored."""

    def leased(self, *, sessions: int, refused_entries: int) -> None:
        """The lease was renewed; `refused_entries` counts from the start."""

    def adopted(self, *, restored: bool) -> None:
        """A session was taken in, new or from another worker."""

    def fenced(self, session_id: str) -> None:
        """A session turned out to be another worker's."""

    def wrote(self, seconds: float) -> None:
        """One round trip of writing is over."""

    def outage(self) -> None:
        """A call to Redis failed because it is away or full."""

    def draining(self) -> None:
        """The worker takes nothing more and hands over what it has."""


class NoObserver:
    """Listens to nothing."""

    def started(self) -> None:
        return

    def output(self, item: object) -> None:
        return

    def leased(self, *, sessions: int, refused_entries: int) -> None:
        return

    def adopted(self, *, restored: bool) -> None:
        return

    def fenced(self, session_id: str) -> None:
        return

    def wrote(self, seconds: float) -> None:
        return

    def outage(self) -> None:
        return

    def draining(self) -> None:
        return


class WorkerWatch:
    """The observer of a real worker. Replies in progress are remembered until they end."""

    def __init__(
        self,
        metrics: WorkerMetrics,
        health: Health,
        *,
        slots: int,
        tracer: Tracer | None = None,
        clock: Callable[[], float] = time.perf_counter,
        epoch_clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._metrics = metrics
        self._health = health
        self._slots = slots
        self._tracer = tracer or NoTracer()
        self._clock = clock
        self._epoch_clock_ns = epoch_clock_ns
        self._begun_at: dict[tuple[str, int], float] = {}
        self._wordless: set[tuple[str, int]] = set()
        self._refused = 0
        metrics.slots.set(slots)
        metrics.slots_free.set(0)

    def started(self) -> None:
        self._health.stage = Stage.READY
        self._metrics.slots_free.set(self._slots)

    def output(self, item: object) -> None:
        match item:
            case Decision():
                self._decided(item)
            case ReplyStarted():
                self._metrics.replies.labels(item.cause.value).inc()
                reply = (item.session_id, item.reply_id)
                self._begun_at[reply] = self._clock()
                self._wordless.add(reply)
            case ReplyDelta() if item.text:
                self._first_text((item.session_id, item.reply_id))
            case ReplyEnded():
                self._ended(item)
            case Gap():
                lost = item.count if item.count <= MOST_LOST_FRAMES else 1
                self._metrics.gap_frames.labels(item.reason.value).inc(lost)
            case Closed():
                self._metrics.closed.labels(item.reason.value).inc()
                self._forget(item.session_id)

    def leased(self, *, sessions: int, refused_entries: int) -> None:
        self._health.leased()
        self._metrics.sessions.set(sessions)
        drains = self._health.stage is Stage.DRAINING
        self._metrics.slots_free.set(0 if drains else max(0, self._slots - sessions))
        self._metrics.refused_entries.inc(max(0, refused_entries - self._refused))
        self._refused = refused_entries

    def adopted(self, *, restored: bool) -> None:
        self._metrics.adopted.labels("restored" if restored else "new").inc()

    def fenced(self, session_id: str) -> None:
        self._metrics.fenced.inc()
        self._forget(session_id)

    def wrote(self, seconds: float) -> None:
        self._metrics.redis_write_s.observe(seconds)

    def outage(self) -> None:
        self._metrics.redis_outages.inc()

    def draining(self) -> None:
        self._health.stage = Stage.DRAINING
        self._metrics.draining.set(1)
        self._metrics.slots_free.set(0)

    def _decided(self, decision: Decision) -> None:
        kind = "respond" if decision.respond else "silent"
        self._metrics.decisions.labels(kind).inc()
        self._metrics.decision_s.observe(decision.queued_s)
        end_ns = self._epoch_clock_ns()
        self._tracer.record(
            SpanName.DECIDE,
            ChunkName.of(decision.session_id, decision.captured_at),
            start_ns=end_ns - round(decision.queued_s * 1e9),
            end_ns=end_ns,
            attributes={"interject.seq": decision.seq, "interject.decision": kind},
        )

    def _first_text(self, reply: tuple[str, int]) -> None:
        if reply in self._wordless:
            self._wordless.discard(reply)
            self._metrics.first_text_s.observe(self._clock() - self._begun_at[reply])

    def _ended(self, end: ReplyEnded) -> None:
        self._metrics.replies_ended.labels(end.reason.value).inc()
        self._metrics.reply_tokens.inc(end.token_count)
        reply = (end.session_id, end.reply_id)
        self._wordless.discard(reply)
        begun_at = self._begun_at.pop(reply, None)
        if begun_at is not None:
            self._metrics.reply_s.observe(self._clock() - begun_at)

    def _forget(self, session_id: str) -> None:
        for reply in [reply for reply in self._begun_at if reply[0] == session_id]:
            del self._begun_at[reply]
            self._wordless.discard(reply)
