"""Calls that were placed and that nobody has answered yet."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from interject.integrations.twilio.call_control import LONGEST_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.conversation.switchboard import Seat


class PlacedCalls:
    """Each holds its seat while it rings, so that whoever answers finds an agent."""

    def __init__(
        self, *, life_s: float = LONGEST_WAIT_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._life_s = life_s
        self._clock = clock
        self._seats: dict[str, tuple[Seat, float]] = {}

    def hold(self, call_sid: str, seat: Seat) -> None:
        self._seats[call_sid] = (seat, self._clock() + self._life_s)

    def take(self, call_sid: str) -> Seat | None:
        """It was answered."""
        self.expire()
        seat, _ = self._seats.pop(call_sid, (None, 0.0))
        return seat

    def drop(self, call_sid: str) -> None:
        """It is over."""
        if (seat := self.take(call_sid)) is not None:
            seat.release()

    def expire(self) -> None:
        now = self._clock()
        for call_sid, (seat, until) in list(self._seats.items()):
            if until <= now:
                del self._seats[call_sid]
                seat.release()

    def close(self) -> None:
        for call_sid in list(self._seats):
            self.drop(call_sid)
