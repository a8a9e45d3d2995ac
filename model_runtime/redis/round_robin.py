"""Whose turn it is to be looked after, so that all are in a given time and never all at once."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

LEAST_A_TURN = 4


class RoundRobin:
    """Each turn takes a part that is as large as the part of `round_s` since the last one."""

    def __init__(self, round_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._round_s = round_s
        self._clock = clock
        self._last = clock()
        self._left: deque[str] = deque()

    def turn(self, keys: Collection[str]) -> list[str]:
        """The next ones. Who has gone since the round began takes nobody's place."""
        now = self._clock()
        share = (now - self._last) / self._round_s
        self._last = now
        count = max(LEAST_A_TURN, math.ceil(len(keys) * share))
        if not self._left:
            self._left.extend(keys)
        chosen: list[str] = []
        while self._left and len(chosen) < count:
            key = self._left.popleft()
            if key in keys:
                chosen.append(key)
        return chosen
