"""The time of a whole command: start-up, training, and a short examination at its end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.training.fine_tuning.failure import TrainingFailure

if TYPE_CHECKING:
    from collections.abc import Callable

_EXAMINATION_SHARE, _LONGEST_EXAMINATION_S = 0.15, 45.0
_END_SHARE, _LONGEST_END_S = 0.03, 8.0
"""The last step, the last checkpoint, the end of all processes."""


@dataclass(frozen=True, slots=True)
class CommandBudget:
    """`began_s` and `clock` as `time.monotonic`; `total_s` from there on."""

    began_s: float
    total_s: float
    clock: Callable[[], float] = time.monotonic

    def training_s(self) -> float:
        """What is left for it now.

        :raises TrainingFailure: when that is nothing.
        """
        reserved_s = min(_EXAMINATION_SHARE * self.total_s, _LONGEST_EXAMINATION_S)
        left_s = self.total_s - self._end_s - reserved_s - self.spent_s
        if left_s <= 0:
            raise TrainingFailure(
                f"reading the bank took {self.spent_s:.0f} s: nothing is left to train in; "
                "give it more --minutes"
            )
        return left_s

    def is_over(self) -> bool:
        """For the examination, too."""
        return self.spent_s >= self.total_s - self._end_s

    @property
    def spent_s(self) -> float:
        """So far."""
        return self.clock() - self.began_s

    @property
    def _end_s(self) -> float:
        return min(_END_SHARE * self.total_s, _LONGEST_END_S)
