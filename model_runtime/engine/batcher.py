"""What one step holds, of all sessions that wait: one batch for the tower, one for the decoder.

Who takes part is chosen anew in each step (continuous batching, Yu et al. 2022).
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from interject.model_runtime.engine.audio_queue import AudioQueue, QueuedChunk, encode
from interject.model_runtime.engine.faults import is_session_fault
from interject.model_runtime.engine.scheduler import StepLimits, StepPlan, plan_step
from interject.model_runtime.protocol import CloseReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.model_runner import ModelRunner
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.engine.stream_table import StreamTable
    from interject.model_runtime.network.backend import Backend


class Batcher:
    """`backlog_frames` may wait in all sessions together."""

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

    def step(self) -> bool:
        """Run one step; returns whether there was anything to do."""
        for stream in self._streams:
            if stream.drained:
                self._streams.close(stream.name, CloseReason.CLIENT)
        self._shed_overload()
        plan = self._plan()
        if plan.empty:
            return False
        self._steps += 1
        self._encode_chunks(plan)
        batch = list(self._inputs(plan))
        if batch:
            self._runner.run(batch)
        return True

    def _plan(self) -> StepPlan:
        """Where one session cannot be planned for, that one ends."""
        now = self._clock()
        try:
            return plan_step(self._streams, now=now, limits=self._limits)
        except Exception as error:
            if not is_session_fault(error):
                raise
        for stream in self._streams:
            with self._streams.isolated(stream):
                plan_step([stream], now=now, limits=self._limits)
        return plan_step(self._streams, now=now, limits=self._limits)

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

    def _shed_overload(self) -> None:
        streams = tuple(self._streams)
        excess = sum(len(stream.audio.chunks) for stream in streams) - self._backlog_frames
        if excess <= 0:
            return
        arrivals = (
            (chunk.arrived_at, number)
            for number, stream in enumerate(streams)
            for chunk in stream.audio.chunks
        )
        for _, number in heapq.nsmallest(excess, arrivals):
            if self._streams.is_open(stream := streams[number]):
                with self._streams.isolated(stream):
                    stream.audio.shed()

    def _encode_chunks(self, plan: StepPlan) -> None:
        """Encode what is decided now and, while there is room, what waits behind a reply."""
        batch: list[tuple[AudioQueue, list[QueuedChunk]]] = []
        left = self._limits.chunks
        for stream, count in plan.chunks:
            chunks = [c for c in list(stream.audio.chunks)[:count] if c.embeddings is None]
            batch.append((stream.audio, chunks))
            left -= len(chunks)
        for stream in self._streams:
            if stream.replying and left > 0:
                chunks = stream.audio.unencoded()[:left]
                batch.append((stream.audio, chunks))
                left -= len(chunks)
        if any(chunks for _, chunks in batch):
            encode(batch, self._backend)
