"""Saying once that Redis cannot be used, and once that it can again, for all who use it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from interject.model_runtime.redis.errors import reason

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class Outage:
    """Of one shard: it lasts from somebody's first failure until nobody fails any more."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failing: set[object] = set()
        self._since = 0.0

    def failed(self, who: object, error: BaseException) -> None:
        """A try of somebody's failed, and there will be another one."""
        if not self._failing:
            self._since = self._clock()
            logger.warning("redis cannot be used; waiting for it", extra={"reason": reason(error)})
        self._failing.add(who)

    def worked(self, who: object) -> None:
        """A try of somebody's did not fail."""
        if who not in self._failing:
            return
        self._failing.discard(who)
        if not self._failing:
            seconds = round(self._clock() - self._since, 2)
            logger.warning("redis can be used again", extra={"seconds": seconds})
