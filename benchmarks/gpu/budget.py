"""The time that a whole run may take: what does not fit is left out, and nothing outlasts it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

from benchmarks.gpu import BEGUN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXIT_OVERDUE = 3


class Budget:
    """So many seconds since the process began."""

    def __init__(
        self, seconds: float, *, begun: float = BEGUN, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ends = begun + seconds
        self._clock = clock
        self._at_end: Callable[[], None] = _nothing

    @property
    def left_s(self) -> float:
        return self._ends - self._clock()

    def allows(self, what: str, expected_s: float) -> bool:
        """Whether something still fits; says so where it does not."""
        if self.left_s >= expected_s:
            return True
        say(f"{what} is left out: it takes {expected_s:.0f} s, {self.left_s:.0f} s are left")
        return False

    def enforce(self) -> None:
        """End the process when the time is over, whatever it waits for; what was kept stays."""
        timer = threading.Timer(max(0.0, self.left_s), self._end)
        timer.daemon = True
        timer.start()

    @contextlib.contextmanager
    def ending(self, act: Callable[[], None]) -> Iterator[None]:
        """Meanwhile do this as well when the time is over: other processes would go on."""
        self._at_end = act
        try:
            yield
        finally:
            self._at_end = _nothing

    def _end(self) -> None:
        say("the budget is used up: the section in progress is lost")
        try:
            self._at_end()
        finally:
            os._exit(EXIT_OVERDUE)


def say(text: str) -> None:
    """At once, with the time since the process began."""
    print(f"{time.monotonic() - BEGUN:6.1f} s  {text}", flush=True)


def _nothing() -> None:
    pass
