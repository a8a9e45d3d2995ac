"""STUN and TURN servers that found no way are not asked for a while: each call would wait."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET_S = 60.0


class IceOutage:
    """Of one door. Who needs such a server has no way meanwhile, as he had none before."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = float("-inf")

    @property
    def lasts(self) -> bool:
        return self._clock() < self._until

    def note(self, *, found: bool) -> None:
        """What came of asking them."""
        self._until = float("-inf") if found else self._clock() + QUIET_S
