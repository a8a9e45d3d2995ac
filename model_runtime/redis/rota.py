"""Whose turn it is to be looked after, so that all are in a given time and never all at once."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

LEAST_A_TURN = 4


class Rota:
    """Each turn takes a part that is as large as the part of `round_s` since the last one."""

    def __init__(self, round_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._round_s = round_s
        self._clock = clock
        self._last = clock()
        self._left: list[str] = []

    def turn(self, keys: Collection[str]) -> list[str]:
        """The next ones; some of them may be gone by now."""
        now = self._clock()
        share = (now - self._last) / self._round_s
        self._last = now
        count = max(LEAST_A_TURN, math.ceil(len(keys) * share))
        if not self._left:
            self._left = list(keys)
        chosen, self._left = self._left[:count], self._left[count:]
        return chosen
