"""Deletes records whose time is over, for as long as something serves."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from interject.agent.records.store import RecordStore

logger = logging.getLogger(__name__)

EVERY_S = 60.0


class Sweeper:
    """Used with `with`. A thread, since a folder may lie on a slow disk; a worker of LiveKit's has
    no event loop of ours.
    """

    def __init__(self, store: RecordStore, *, every_s: float = EVERY_S) -> None:
        self._store = store
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="records", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        self._sweep()
        while not self._over.wait(self._every_s):
            self._sweep()

    def _sweep(self) -> None:
        """What cannot be deleted now is tried again."""
        try:
            swept = self._store.sweep()
        except OSError as error:
            self._complain(error, count=1)
            return
        if swept.gone:
            logger.info("Old records are deleted", extra={"count": len(swept.gone)})
        if swept.stayed:
            self._complain(next(iter(swept.stayed.values())), count=len(swept.stayed))

    def _complain(self, error: OSError, *, count: int) -> None:
        logger.warning(
            "Old records cannot be deleted",
            extra={"error_type": type(error).__name__, "count": count},
        )
