"""Whether a server that failed is asked again."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

MOST_FAILURES = 3
FIRST_PAUSE_S = 15.0
LONGEST_PAUSE_S = 240.0


class CircuitBreaker:
    """After some failures in a row nobody waits for it any more. When a pause is over one request
    tries it: one that fails doubles the pause.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._left_out_until: float | None = None
        self._trying = False

    @property
    def is_open(self) -> bool:
        """Whether it is left out now."""
        if self._left_out_until is None:
            return False
        return self._trying or self._clock() < self._left_out_until

    def asks(self) -> bool:
        """Whether this request may be sent; its outcome has to follow."""
        if self.is_open:
            return False
        self._trying = self._left_out_until is not None
        return True

    def succeeded(self) -> None:
        if self._left_out_until is not None:
            logger.info("The responder answers again")
        self._failures, self._left_out_until, self._trying = 0, None, False
        self._pause_s = FIRST_PAUSE_S

    def failed(self, reason: str) -> None:
        self._failures += 1
        if not self._trying and self._failures < MOST_FAILURES:
            if self._failures == 1:
                logger.warning(
                    "The responder gave no answer: a reply is said as it was drafted",
                    extra={"reason": reason},
                )
            return
        if self._trying:
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._left_out_until, self._trying = self._clock() + self._pause_s, False
        logger.warning(
            "The responder is left out for a while: replies are said as they were drafted",
            extra={"seconds": self._pause_s, "reason": reason},
        )

    def abandoned(self) -> None:
        """Nobody waited for the outcome: it says nothing."""
        self._trying = False
