"""Sessions that are to be closed for the leases they cost, while they may still be acquitted."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING

from interject.model_runtime.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interject.model_runtime.redis.worker.recovery.orphaned_session import OrphanedSession

LOOKS = 40

logger = logging.getLogger(__name__)


class AcquittalWait:
    """Such a session is read `LOOKS` times, `look_s` apart, before it is closed.

    Looks are counted and not seconds. Where a whole machine stood still, so did this worker, and
    the others had no time to come back either. Whoever is given the session next begins anew.
    """

    def __init__(self, *, look_s: float, clock: Callable[[], float] = perf_counter) -> None:
        self._look_s = look_s
        self._clock = clock
        self._next_s = clock()
        self._looks: dict[tuple[str, int], int] = {}

    def due(self) -> bool:
        """Whether those that wait are to be read again now."""
        now_s = self._clock()
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._look_s
        return True

    def count(self, read: Iterable[OrphanedSession]) -> None:
        """These were read."""
        for orphan in read:
            if orphan.acquittable:
                place = (orphan.key, orphan.epoch)
                self._looks[place] = self._looks.get(place, 0) + 1
                if self._looks[place] == 1:
                    logger.warning(
                        "a session waits for workers that lost their leases and may come back",
                        extra={"session": shown(orphan.key)},
                    )

    def keep(self, known: Iterable[OrphanedSession]) -> None:
        """All others are this worker's no more, or were acquitted."""
        places = {(orphan.key, orphan.epoch) for orphan in known if orphan.acquittable}
        self._looks = {place: count for place, count in self._looks.items() if place in places}

    def lasts(self, orphan: OrphanedSession) -> bool:
        """Whether it is not to be closed yet."""
        return orphan.acquittable and self._looks.get((orphan.key, orphan.epoch), 0) < LOOKS
