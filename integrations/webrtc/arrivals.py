"""Callers who have made an offer and are not connected yet: they hold seats that others need."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from interject.integrations.conversation.switchboard import SwitchboardFull

if TYPE_CHECKING:
    from collections.abc import Callable

OVERDUE_S = 3.0
"""Who connects does so within a second or two."""
FEWEST = 4


class ArrivingCall(Protocol):
    """What of a call has to be known."""

    @property
    def arriving(self) -> bool: ...


CallT = TypeVar("CallT", bound=ArrivingCall)


class Arrivals(Generic[CallT]):
    """Half of all seats may be held for one address, and a few where there are few. Behind a proxy
    all have the proxy's.
    """

    def __init__(
        self, most_calls: int | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.most_of_one = max(FEWEST, (most_calls or 0) // 2)
        self._clock = clock
        self._calls: dict[CallT, tuple[str, float]] = {}

    def check(self, address: str) -> None:
        """:raises SwitchboardFull: when too many of an address are on their way."""
        if self._of_each()[address] >= self.most_of_one:
            raise SwitchboardFull("too many offers of this address are not connected yet")

    def add(self, call: CallT, address: str) -> None:
        self._calls[call] = address, self._clock()

    def overdue(self) -> CallT | None:
        """Who makes room for another one: of the address of which most are on their way, the one
        who has been for the longest, if that was long.
        """
        each = self._of_each()
        late = [
            (-each[address], since, call)
            for call, (address, since) in self._calls.items()
            if self._clock() - since >= OVERDUE_S
        ]
        found = min(late, key=lambda one: one[:2], default=None)
        if found is None:
            return None
        del self._calls[found[2]]
        return found[2]

    def _of_each(self) -> Counter[str]:
        self._calls = {call: at for call, at in self._calls.items() if call.arriving}
        return Counter(address for address, _ in self._calls.values())
