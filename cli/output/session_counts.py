"""Counts of a session, for its summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Decision, Gap, ReplyEnded

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.protocol import Event


class SessionCounts:
    """`clock` is in seconds; times count from when this was made."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._created_s = clock()
        self.first_decision_s: float | None = None
        self.chunks = 0
        self.responds = 0
        self.replies = 0
        self.gap_chunks = 0

    @property
    def elapsed_s(self) -> float:
        return round(self._clock() - self._created_s, 3)

    def count(self, event: Event) -> None:
        match event:
            case Decision():
                if self.first_decision_s is None:
                    self.first_decision_s = self.elapsed_s
                self.chunks += 1
                self.responds += event.respond
            case ReplyEnded():
                self.replies += 1
            case Gap():
                self.gap_chunks += event.count
