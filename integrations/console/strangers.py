"""Sockets that have not said who they are, and which of them goes when there are too many."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_STRANGERS = 64
MOST_OF_ONE = 32
"""Of one address. Behind a proxy all have the proxy's."""


@dataclass(eq=False, slots=True)
class Stranger:
    """`turned_out` is set when it must make room."""

    address: str
    turned_out: asyncio.Event = field(default_factory=asyncio.Event)


class Strangers:
    """A newcomer is always let in: the one that has been silent for longest goes, of the address
    that has the most. So nobody who says nothing keeps out who signs in at once.
    """

    def __init__(self, most: int = MOST_STRANGERS, most_of_one: int = MOST_OF_ONE) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._waiting: dict[Stranger, None] = {}

    @contextlib.contextmanager
    def waiting(self, address: str) -> Iterator[Stranger]:
        came = Stranger(address)
        self._waiting[came] = None
        self._make_room(address)
        try:
            yield came
        finally:
            self._waiting.pop(came, None)

    def _make_room(self, address: str) -> None:
        of = Counter(one.address for one in self._waiting)
        if of[address] <= self._most_of_one:
            if len(self._waiting) <= self._most:
                return
            ((address, _),) = of.most_common(1)
        longest = next(one for one in self._waiting if one.address == address)
        del self._waiting[longest]
        longest.turned_out.set()
