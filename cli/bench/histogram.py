"""Times of one kind, however many there are."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_MS = 0.01
RATIO = 1.01
_STEP = math.log(RATIO)


class Histogram:
    """Buckets of one per cent from 0.01 ms up; number, sum and largest value are exact."""

    def __init__(self) -> None:
        self.count = 0
        self.sum_ms = 0.0
        self.max_ms = math.nan
        self._buckets: Counter[int] = Counter()

    @classmethod
    def of(cls, parts: Iterable[Histogram]) -> Histogram:
        """All of them together."""
        whole = cls()
        for part in parts:
            if part.count:
                whole.max_ms = part.max_ms if not whole.count else max(whole.max_ms, part.max_ms)
            whole.count += part.count
            whole.sum_ms += part.sum_ms
            whole._buckets.update(part._buckets)
        return whole

    def add(self, value_ms: float) -> None:
        self.max_ms = value_ms if self.count == 0 else max(self.max_ms, value_ms)
        self.count += 1
        self.sum_ms += value_ms
        self._buckets[math.floor(math.log(max(value_ms, LEAST_MS) / LEAST_MS) / _STEP)] += 1

    def percentile(self, share: float) -> float:
        """`share` in per cent, to half a per cent; NaN for nothing."""
        if not self.count:
            return math.nan
        rank = max(1, math.ceil(self.count * share / 100))
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                break
        if rank == self.count:
            return self.max_ms
        return min(LEAST_MS * math.exp(_STEP * (bucket + 0.5)), self.max_ms)

    def buckets(self) -> list[tuple[float, int]]:
        """Upper end in ms and number of values, from small to large; empty ones are left out."""
        return [
            (LEAST_MS * RATIO ** (bucket + 1), self._buckets[bucket])
            for bucket in sorted(self._buckets)
        ]
