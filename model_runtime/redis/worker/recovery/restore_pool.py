"""Sessions of other workers on their way into the engine, several at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.threads import spare_threads

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    import torch

    from interject.model_runtime.engine.restoration import Restoration
    from interject.model_runtime.redis.worker.owned_session import OwnedSession


ON_DEVICE = 2
"""Threads where a device computes: one has it fill a slot, the other makes ready what is next."""


def restorers(device: torch.device) -> int:
    """How many threads may fill slots at once."""
    return spare_threads() if device.type == "cpu" else ON_DEVICE


@dataclass(frozen=True, slots=True, eq=False)
class PendingRestore:
    """A restoration that runs, or will, in another thread."""

    session: OwnedSession
    restoration: Restoration
    done: Future[None]


class RestorePool:
    """Threads that fill slots. Every method is called from the engine's thread."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="interject-restorer")
        self._awaited: set[PendingRestore] = set()

    def begin(
        self,
        session: OwnedSession,
        restoration: Restoration,
        done: Callable[[PendingRestore], None],
    ) -> PendingRestore:
        """Run it; `done` is called from another thread."""
        pending = PendingRestore(session, restoration, self._pool.submit(restoration.run))
        self._awaited.add(pending)
        pending.done.add_done_callback(lambda _: done(pending))
        return pending

    def arrive(self, pending: PendingRestore) -> bool:
        """Whether it was still awaited.

        :raises Exception: what its restoration raised.
        """
        if pending not in self._awaited:
            return False
        self._awaited.discard(pending)
        pending.done.result()
        return True

    def turn_back(self, pending: PendingRestore) -> None:
        """Await it no longer, and have its slot left alone from now on."""
        self._awaited.discard(pending)
        pending.restoration.give_up()
        if not pending.done.cancel():
            pending.done.exception()

    def close(self) -> None:
        """End the threads."""
        for pending in tuple(self._awaited):
            self.turn_back(pending)
        self._pool.shutdown()
