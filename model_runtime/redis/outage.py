"""Saying once that Redis cannot be used, and once that it can again, for all who use it."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

from interject.model_runtime.redis.errors import reason

if TYPE_CHECKING:
    from collections.abc import Callable

LOG_EVERY_S = 10.0

logger = logging.getLogger(__name__)


class Outage:
    """Of one shard: it lasts from somebody's first failure until nobody fails any more.

    One that begins soon after another was told of is told of only if it lasts.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failing: set[object] = set()
        self._since = 0.0
        self._told = False
        self._told_at = -math.inf
        self._untold = 0

    @property
    def lasts(self) -> bool:
        return bool(self._failing)

    def failed(self, who: object, error: BaseException) -> None:
        """A try of somebody's failed, and there will be another one."""
        if not self._failing:
            self._since = self._clock()
            self._untold += 1
        self._failing.add(who)
        if not self._told:
            self._tell(error)

    def worked(self, who: object) -> None:
        """A try of somebody's did not fail."""
        if who not in self._failing:
            return
        self._failing.discard(who)
        if self._told and not self._failing:
            self._told = False
            seconds = round(self._clock() - self._since, 2)
            logger.warning("redis can be used again", extra={"seconds": seconds})

    def _tell(self, error: BaseException) -> None:
        """`count` is of the outages since the last one that was told of."""
        now = self._clock()
        if now < self._told_at + LOG_EVERY_S:
            return
        logger.warning(
            "redis cannot be used; waiting for it",
            extra={"reason": reason(error), "count": self._untold},
        )
        self._told, self._told_at, self._untold = True, now, 0
