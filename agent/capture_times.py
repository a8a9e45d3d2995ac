"""When sound was captured, where its source does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HOLE_S = 0.4


class CaptureTimes:
    """Samples are counted, since blocks that waited arrive in a burst.

    The count begins anew at a block that comes more than `HOLE_S` later than it (a muted track),
    and at one that comes before it: nothing is captured after it is read.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._expected: float | None = None

    def of(self, duration_s: float) -> float:
        """When a block began that is read now."""
        began, expected = self._clock() - duration_s, self._expected
        if expected is None or not 0 <= began - expected <= HOLE_S:
            expected = began
        self._expected = expected + duration_s
        return expected
