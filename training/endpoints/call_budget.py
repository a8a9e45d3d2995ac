"""How many requests may be sent."""

from __future__ import annotations

import threading

from interject.training.endpoints.failures import BudgetSpent


class CallBudget:
    """Counts every request, a repeated one too: each may cost money. Threads may share one."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._lock = threading.Lock()
        self.spent = 0

    def spend(self) -> None:
        """:raises BudgetSpent: when none is left."""
        with self._lock:
            if self._most is not None and self.spent >= self._most:
                raise BudgetSpent(
                    f"the budget of {self._most} calls is spent; allow more, "
                    "what was answered so far is kept"
                )
            self.spent += 1
