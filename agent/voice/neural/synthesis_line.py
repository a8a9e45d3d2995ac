"""Who is synthesised next: the clause whose sound is needed first.

A reply's first clause is needed at once; the next when the first has been heard. So nobody's long
reply keeps another session's first words waiting, and nobody waits for ever.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import os
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from interject.agent.voice.base import VoiceFailure
from interject.agent.voice.neural.network_file import MOST_THREADS, Stopped, StopSwitch

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_WAITING = 256
WHEN_IDLE_S = float("inf")
"""Due after everything that somebody waits for, and stopped when somebody comes."""

T = TypeVar("T")


@dataclass(order=True, slots=True)
class _Job(Generic[T]):
    due_s: float
    number: int
    work: Callable[[StopSwitch], T] = field(compare=False)
    stop: StopSwitch = field(compare=False, default_factory=StopSwitch)
    result: Future[T] = field(compare=False, default_factory=Future)


class SynthesisLine:
    """Threads and waiting jobs are bounded, whatever the number of sessions."""

    def __init__(self, name: str, *, threads: int | None = None) -> None:
        """`threads` computes as many clauses at once; each takes up to `MOST_THREADS` cores."""
        workers = threads or max(1, (os.cpu_count() or 1) // MOST_THREADS)
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting: list[_Job[object]] = []
        self._idle_work: list[StopSwitch] = []
        self._numbers = itertools.count()

    async def run(self, due_s: float, work: Callable[[StopSwitch], T]) -> T:
        """Cancelling takes it out of the line, or stops it in its middle; that is not waited for.

        :raises VoiceFailure: when the line is full, or as `work` raises.
        """
        job = self._put(due_s, work)
        try:
            return await asyncio.wrap_future(job.result)
        except asyncio.CancelledError:
            job.stop.set()
            raise

    def submit(self, due_s: float, work: Callable[[StopSwitch], T]) -> Future[T]:
        """What is due `WHEN_IDLE_S` may end with CancelledError: then somebody needed the line.

        :raises VoiceFailure: when the line is full.
        :raises RuntimeError: when the process is about to end.
        """
        return self._put(due_s, work).result

    def _put(self, due_s: float, work: Callable[[StopSwitch], T]) -> _Job[T]:
        job = _Job(due_s, next(self._numbers), work)
        with self._lock:
            self._waiting = [waiting for waiting in self._waiting if not waiting.stop.is_set]
            if len(self._waiting) >= MOST_WAITING:
                raise VoiceFailure(f"{MOST_WAITING} clauses wait for this voice: it is too slow")
            heapq.heapify(self._waiting)
            heapq.heappush(self._waiting, job)  # type: ignore[misc]
            if due_s < WHEN_IDLE_S:
                for stop in self._idle_work:
                    stop.set()
        self._executor.submit(self._next)
        return job

    def _next(self) -> None:
        with self._lock:
            job = heapq.heappop(self._waiting) if self._waiting else None
            if job is not None and job.due_s == WHEN_IDLE_S:
                self._idle_work.append(job.stop)
        if job is None or not job.result.set_running_or_notify_cancel():
            return
        try:
            job.result.set_result(job.work(job.stop))
        except Stopped:
            job.result.set_exception(CancelledError())
        except BaseException as error:
            job.result.set_exception(error)
        finally:
            with self._lock:
                self._idle_work = [stop for stop in self._idle_work if stop is not job.stop]
