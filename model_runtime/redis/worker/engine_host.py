"""The engine's thread as a worker's event loop sees it: what is asked of it, and how it fails."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING

from interject.model_runtime.engine.faults import engine_failure
from interject.model_runtime.engine.thread import EngineThread
from interject.model_runtime.protocol import CloseReason, RuntimeFailure, SessionClosed
from interject.model_runtime.redis.worker.engine_executor import EngineExecutor
from interject.model_runtime.redis.worker.owned_session import OwnershipState
from interject.model_runtime.redis.worker.recovery.restore_pool import RestorePool, restorers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from interject.model_runtime.engine.engine import Engine
    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.snapshot import SavedSession
    from interject.model_runtime.redis.worker.batch import Batch
    from interject.model_runtime.redis.worker.owned_session import Action, OwnedSession
    from interject.model_runtime.redis.worker.token_encoding import Input


class EngineHost:
    """Every method is called in the event loop. What is asked of a session that is being restored
    waits in `deferred`, in order, until it is there.

    `model` is the fingerprint of the engine's. Nothing may be asked before `start`.
    """

    failed: asyncio.Future[None]
    _loop: asyncio.AbstractEventLoop
    _deliver: Callable[[list[Batch]], None]
    _pool: RestorePool
    _executor: EngineExecutor
    _thread: EngineThread

    def __init__(self, *, model: str) -> None:
        self._model = model

    def start(self, engine: Engine, deliver: Callable[[list[Batch]], None]) -> None:
        """`deliver` is called in the event loop that runs now."""
        self._loop = asyncio.get_running_loop()
        self.failed = self._loop.create_future()
        self._deliver = deliver
        self._pool = RestorePool(restorers(engine.model.device))
        self._executor = EngineExecutor(
            engine,
            self._pool,
            model=self._model,
            put=self._put,
            deliver=self._deliver_soon,
            joined=self._join_soon,
        )
        self._thread = EngineThread(engine, stepped=self._executor.hand_out, ended=self._end)

    async def ready(self) -> None:
        """Wait until the device is warm.

        :raises RuntimeFailure: when the engine failed in it.
        """
        try:
            await asyncio.wrap_future(self._thread.ready)
        except RuntimeFailure:
            await asyncio.shield(self.failed)

    async def aclose(self) -> None:
        """Stop the thread; sessions are left as they are."""
        self._thread.stop()
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._pool.close)

    def admit(self, session: OwnedSession, prefix: ForwardInput | RuntimeFailure) -> None:
        """Begin a session; its first output says whether that was possible."""
        session.move(OwnershipState.SERVING)
        self._put(lambda: self._executor.admit(session, prefix))

    def restore(
        self, session: OwnedSession, prefix: ForwardInput | RuntimeFailure, known: SavedSession
    ) -> None:
        """Go on with a session of another worker."""
        session.move(OwnershipState.RESTORING)
        self._put(lambda: self._executor.restore(session, prefix, known))

    def put(self, inputs: Sequence[Input]) -> None:
        """Take in frames and controls, all before the next step."""
        ready = [one for one in inputs if one[0].state is not OwnershipState.RESTORING]
        if ready:
            self._put(lambda: self._executor.take_in(ready))
        if len(ready) < len(inputs):
            self._defer(one for one in inputs if one[0].state is OwnershipState.RESTORING)

    def close(self, session: OwnedSession, reason: CloseReason, detail: str) -> None:
        """End a session."""
        self._ask(session, lambda: self._executor.close(session, reason, detail))

    def snapshot(self, session: OwnedSession) -> None:
        """Have the session's next batch hold a snapshot."""
        self._ask(session, lambda: self._executor.snapshot(session))

    def leave(self, session: OwnedSession) -> None:
        """Have the session's last batch, with a snapshot."""
        session.move(OwnershipState.LEAVING)
        self._put(lambda: self._executor.leave(session))

    def abandon(self, session: OwnedSession) -> None:
        """Forget a session, which may be on its way still."""
        self._put(lambda: self._executor.abandon(session))

    def _ask(self, session: OwnedSession, action: Action) -> None:
        if session.state is OwnershipState.RESTORING:
            session.deferred.append(action)
        else:
            self._put(action)

    def _defer(self, inputs: Iterable[Input]) -> None:
        for one in inputs:
            one[0].deferred.append(partial(self._executor.take_in, (one,)))

    def _joined(self, session: OwnedSession) -> None:
        """It is there, unless it is nobody's here any more."""
        if session.state is not OwnershipState.RESTORING:
            return
        session.move(OwnershipState.SERVING)
        deferred, session.deferred = session.deferred, []
        if deferred:
            self._put(lambda: _do_all(deferred))

    # Called from any thread

    def _put(self, action: Action) -> None:
        """An engine that has ended says so by `failed`."""
        with contextlib.suppress(SessionClosed):
            self._thread.put(action)

    def _deliver_soon(self, batches: list[Batch]) -> None:
        self._loop.call_soon_threadsafe(self._deliver, batches)

    def _join_soon(self, session: OwnedSession) -> None:
        self._loop.call_soon_threadsafe(self._joined, session)

    def _end(self, error: Exception | None) -> None:
        if error is None:
            return
        failure = RuntimeFailure(engine_failure(error))
        with contextlib.suppress(RuntimeError):  # The loop has ended before.
            self._loop.call_soon_threadsafe(self.failed.set_exception, failure)


def _do_all(actions: Iterable[Action]) -> None:
    for action in actions:
        action()
