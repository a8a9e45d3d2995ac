"""A log line for something of which there may be thousands a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_S = 10.0


class LogThrottle:
    """The first one is told at once, and those of the next `every_s` together with the one after
    them.
    """

    def __init__(
        self, every_s: float = EVERY_S, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every_s = every_s
        self._clock = clock
        self._told_at = float("-inf")
        self._untold = 0

    def note(self) -> int:
        """How many are to be told now; 0: say nothing."""
        self._untold += 1
        now = self._clock()
        if now - self._told_at < self._every_s:
            return 0
        self._told_at, told, self._untold = now, self._untold, 0
        return told
