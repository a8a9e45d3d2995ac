"""What one step holds, of all sessions that wait: one batch for the tower, one for the decoder.

Who takes part is chosen anew in each step (continuous batching, Yu et al. 2022).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.engine.audio_queue import AudioQueue, Encoding, QueuedChunk
from interject.model_runtime.engine.faults import is_session_fault
from interject.model_runtime.engine.scheduler import StepLimits, StepPlan, plan_step
from interject.model_runtime.protocol import CloseReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.model_runner import ModelRunner, StepInFlight
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.engine.stream_table import StreamTable
    from interject.model_runtime.network.backend import Backend


@dataclass(frozen=True, slots=True)
class _InFlight:
    """A step that the device computes, and the sessions that take part in it."""

    streams: frozenset[Stream]
    encoding: Encoding | None
    rows: StepInFlight


_NOBODY: frozenset[Stream] = frozenset()


class Batcher:
    """`backlog_frames` may wait in all sessions together.

    Where the device computes on its own and much waits, a step's results are taken when the next
    one, of other sessions, was given to it: it does not wait for the host.
    """

    def __init__(
        self,
        streams: StreamTable,
        backend: Backend,
        runner: ModelRunner,
        *,
        limits: StepLimits,
        backlog_frames: int,
        clock: Callable[[], float],
    ) -> None:
        self._streams = streams
        self._backend = backend
        self._runner = runner
        self._limits = limits
        self._backlog_frames = backlog_frames
        self._clock = clock
        self._steps = 0
        self._in_flight: _InFlight | None = None

    def step(self) -> bool:
        """Start a step, and take what the one before has computed; returns whether there was
        anything to do.
        """
        taken = self._in_flight is not None and self._little_waits() and self._take_results()
        self._shed_overload()
        for stream in self._idle():
            if stream.drained:
                self._streams.close(stream.name, CloseReason.CLIENT)
        plan = self._plan()
        self._streams.rest(plan.resting)
        if plan.empty:
            return self._take_results() or taken
        started = self._start(plan)
        self._take_results()
        self._in_flight = started
        if not self._backend.asynchronous:
            self._take_results()
        return True

    def _little_waits(self) -> bool:
        return sum(1 for stream in self._idle() if stream.audio.chunks) < self._limits.overlap

    def computes(self, stream: Stream) -> bool:
        """Whether a session takes part in the step in flight."""
        return stream in self._busy

    def settle(self, stream: Stream) -> None:
        """Wait for the step that a session takes part in, so that it stands between two."""
        if self.computes(stream):
            self._take_results()

    @property
    def _busy(self) -> frozenset[Stream]:
        return _NOBODY if self._in_flight is None else self._in_flight.streams

    def _idle(self) -> list[Stream]:
        busy = self._busy
        return [stream for stream in self._streams.awake if stream not in busy]

    def _start(self, plan: StepPlan) -> _InFlight:
        self._steps += 1
        queues = self._to_encode(plan)
        encoding = None
        if any(chunks for _, chunks in queues.values()):
            encoding = Encoding(tuple(queues.values()), self._backend)
        batch = list(self._inputs(plan))
        rows = self._runner.start(batch)
        return _InFlight(frozenset((*queues, *(stream for stream, _ in batch))), encoding, rows)

    def _take_results(self) -> bool:
        """Whether a step was in flight."""
        step, self._in_flight = self._in_flight, None
        if step is None:
            return False
        if step.encoding is not None:
            step.encoding.take()
        self._runner.finish(step.rows)
        return True

    def _plan(self) -> StepPlan:
        """Where one session cannot be planned for, that one ends."""
        now = self._clock()
        try:
            return plan_step(self._idle(), now=now, limits=self._limits)
        except Exception as error:
            if not is_session_fault(error):
                raise
        for stream in self._idle():
            with self._streams.isolated(stream):
                plan_step([stream], now=now, limits=self._limits)
        return plan_step(self._idle(), now=now, limits=self._limits)

    def _inputs(self, plan: StepPlan) -> Iterator[tuple[Stream, ForwardInput]]:
        for stream in plan.texts:
            with self._streams.isolated(stream):
                yield stream, stream.next_text()
        for stream in plan.recomputes:
            with self._streams.isolated(stream):
                stream.recomputed_in_step = self._steps
                inputs = stream.next_recompute(self._limits.recompute)
                if inputs.ids:
                    yield stream, inputs
        for stream, count in plan.chunks:
            with self._streams.isolated(stream):
                yield stream, stream.next_chunks(count)

    @property
    def _excess(self) -> int:
        waiting = sum(len(stream.audio.chunks) for stream in self._streams.awake)
        return waiting - self._backlog_frames

    def _shed_overload(self) -> None:
        if self._excess <= 0:
            return
        self._take_results()
        excess, streams = self._excess, self._streams.awake
        arrivals = (
            (chunk.arrived_at, number)
            for number, stream in enumerate(streams)
            for chunk in stream.audio.chunks
        )
        for _, number in heapq.nsmallest(max(0, excess), arrivals):
            if self._streams.is_open(stream := streams[number]):
                with self._streams.isolated(stream):
                    stream.audio.shed()

    def _to_encode(self, plan: StepPlan) -> dict[Stream, tuple[AudioQueue, list[QueuedChunk]]]:
        """What is decided now and, while there is room, what waits behind a reply."""
        work: dict[Stream, tuple[AudioQueue, list[QueuedChunk]]] = {}
        left = self._limits.chunks
        for stream, count in plan.chunks:
            chunks = [c for c in list(stream.audio.chunks)[:count] if c.embeddings is None]
            work[stream] = stream.audio, chunks
            left -= len(chunks)
        for stream in self._idle():
            if stream.replying and left > 0 and (chunks := stream.audio.unencoded()[:left]):
                work[stream] = stream.audio, chunks
                left -= len(chunks)
        return work
