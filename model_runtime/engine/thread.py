"""The thread that owns an engine, the same for every runtime.

Whatever one session causes ends that session alone and it is told why (`Engine.contained`). What
the device does, and what is asked without a session, is everybody's affair: then the thread ends,
and whoever waits for an answer is told.
"""

from __future__ import annotations

import logging
import queue
import threading
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from interject.model_runtime.engine.faults import engine_failure, is_session_fault
from interject.model_runtime.engine.warm_up import on_device
from interject.model_runtime.protocol import RuntimeFailure, SessionClosed

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from interject.model_runtime.engine.engine import Engine

IDLE_WAIT_S = 0.5
STOPPED = "the runtime has stopped; open a new one"
T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    action: Callable[[], Any]
    contained: Callable[[], AbstractContextManager[None]]
    answer: Future[Any]


class EngineThread:
    """What is put in is done between two steps, in order. Any thread may put something in.

    `prepare` is called in the thread first of all; `ready` has its outcome, whoever stops waiting
    for it. `stepped` is called behind every step, `ended` last of all, with what went wrong, if
    anything did. Neither of these may wait.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        prepare: Callable[[Engine], None] = on_device,
        stepped: Callable[[], None] = lambda: None,
        ended: Callable[[Exception | None], None],
    ) -> None:
        self.engine = engine
        self.ready: Future[None] = Future()
        self.ready.set_running_or_notify_cancel()
        self._prepare = prepare
        self._stepped = stepped
        self._on_end = ended
        self._inbox: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._ending = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="interject-engine", daemon=True)
        self._thread.start()

    def put(self, action: Callable[[], T]) -> Future[T]:
        """What fails here ends the engine, unless it is a `RuntimeFailure`.

        :raises SessionClosed: when the thread has ended.
        """
        return self._add(_Job(action, nullcontext, Future()))

    def ask(self, action: Callable[[], T]) -> Future[T]:
        """For one session that is not open yet, or that the action contains by itself.

        Nothing that fails here ends more than what was asked, unless the device does.

        :raises SessionClosed: when the thread has ended.
        """
        return self._add(_Job(action, self.engine.contained, Future()))

    def stop(self) -> None:
        """End soon: what was put in before is still done."""
        self._inbox.put(None)

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def _add(self, job: _Job) -> Future[Any]:
        with self._ending:
            if self._ended:
                raise SessionClosed(STOPPED)
            self._inbox.put(job)
        return job.answer

    # In the thread

    def _work(self) -> None:
        failure = None
        try:
            self._prepare(self.engine)
            self.ready.set_result(None)
            busy = False
            while self._drain_inbox(wait=not busy):
                busy = self.engine.step()
                self._stepped()
        except Exception as error:
            failure = error
            # Where a device fails says nothing: it computes behind Python's back.
            reason, own = engine_failure(error), is_session_fault(error)
            logger.error("the engine failed", exc_info=own, extra={"reason": reason})
            if not self.ready.done():
                self.ready.set_exception(RuntimeFailure(reason))
        with self._ending:
            self._ended = True
        self._on_end(failure)
        self._refuse_rest()

    def _drain_inbox(self, *, wait: bool) -> bool:
        """Do all that is in the inbox; False once the thread is to stop."""
        try:
            job = self._inbox.get(block=wait, timeout=IDLE_WAIT_S if wait else None)
            while job is not None:
                _do(job)
                job = self._inbox.get_nowait()
        except queue.Empty:
            return True
        return False

    def _refuse_rest(self) -> None:
        """Whoever still waits for an answer gets one."""
        while not self._inbox.empty():
            job = self._inbox.get()
            if job is not None and job.answer.set_running_or_notify_cancel():
                job.answer.set_exception(SessionClosed(STOPPED))


def _do(job: _Job) -> None:
    """Skips what nobody waits for any more."""
    if not job.answer.set_running_or_notify_cancel():
        return
    try:
        with job.contained():
            result = job.action()
    except RuntimeFailure as refusal:
        job.answer.set_exception(refusal)
    except Exception:
        job.answer.set_exception(RuntimeFailure("the engine failed; see the log"))
        raise
    else:
        job.answer.set_result(result)
