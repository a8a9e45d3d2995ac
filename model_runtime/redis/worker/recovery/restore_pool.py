"""Sessions of other workers on their way into the engine, several at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future

    from interject.model_runtime.engine.restoration import Restoration
    from interject.model_runtime.redis.worker.engine_session import EngineSession

Action = Callable[[], None]


@dataclass(slots=True)
class PendingRestore:
    """`later` is what was asked of the session meanwhile, in order."""

    session: EngineSession
    restoration: Restoration
    done: Future[None]
    later: list[Action] = field(default_factory=list)


class RestorePool:
    """Threads that fill slots. Every method is called from the engine's thread."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="interject-restorer")
        self._pending: dict[str, PendingRestore] = {}

    def begin(
        self,
        session: EngineSession,
        restoration: Restoration,
        done: Callable[[PendingRestore], None],
    ) -> None:
        """Run it; `done` is called from another thread."""
        pending = PendingRestore(session, restoration, self._pool.submit(restoration.run))
        self._pending[session.key] = pending
        pending.done.add_done_callback(lambda _: done(pending))

    def defer(self, key: str, action: Action) -> bool:
        """Keep it until the session is there; False when nobody of that name is on the way."""
        pending = self._pending.get(key)
        if pending is not None:
            pending.later.append(action)
        return pending is not None

    def arrive(self, pending: PendingRestore) -> bool:
        """Whether it was still awaited.

        :raises Exception: what its restoration raised.
        """
        if self._pending.get(pending.session.key) is not pending:
            return False
        del self._pending[pending.session.key]
        pending.done.result()
        return True

    def turn_back(self, key: str) -> Restoration | None:
        """Await it no longer, and have its slot left alone from now on."""
        pending = self._pending.pop(key, None)
        if pending is None:
            return None
        pending.restoration.give_up()
        if not pending.done.cancel():
            pending.done.exception()
        return pending.restoration

    def close(self) -> None:
        """End the threads."""
        for key in list(self._pending):
            self.turn_back(key)
        self._pool.shutdown()
