"""Sessions of other workers on their way into the engine, several at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future

    from interject.model_runtime.engine.restoration import Restoration
    from interject.model_runtime.redis.worker.engine_session import Guest

Action = Callable[[], None]


@dataclass(slots=True)
class Newcomer:
    """`later` is what was asked of the session meanwhile, in order."""

    guest: Guest
    restoration: Restoration
    done: Future[None]
    later: list[Action] = field(default_factory=list)


class Restorers:
    """Threads that fill slots. Every method is called from the engine's thread."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="interject-restorer")
        self._newcomers: dict[str, Newcomer] = {}

    def begin(
        self, guest: Guest, restoration: Restoration, done: Callable[[Newcomer], None]
    ) -> None:
        """Run it; `done` is called from another thread."""
        newcomer = Newcomer(guest, restoration, self._pool.submit(restoration.run))
        self._newcomers[guest.key] = newcomer
        newcomer.done.add_done_callback(lambda _: done(newcomer))

    def defer(self, key: str, action: Action) -> bool:
        """Keep it until the session is there; False when nobody of that name is on the way."""
        newcomer = self._newcomers.get(key)
        if newcomer is not None:
            newcomer.later.append(action)
        return newcomer is not None

    def arrive(self, newcomer: Newcomer) -> bool:
        """Whether it was still awaited.

        :raises Exception: what its restoration raised.
        """
        if self._newcomers.get(newcomer.guest.key) is not newcomer:
            return False
        del self._newcomers[newcomer.guest.key]
        newcomer.done.result()
        return True

    def turn_back(self, key: str) -> Restoration | None:
        """Await it no longer, and have its slot left alone from now on."""
        newcomer = self._newcomers.pop(key, None)
        if newcomer is None:
            return None
        newcomer.restoration.give_up()
        if not newcomer.done.cancel():
            newcomer.done.exception()
        return newcomer.restoration

    def close(self) -> None:
        """End the threads."""
        for key in list(self._newcomers):
            self.turn_back(key)
        self._pool.shutdown()
