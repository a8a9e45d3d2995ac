"""How many connections a server has at once, and which one goes when there are too many."""

from __future__ import annotations

import logging
import resource
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from interject.integrations.web.log_throttle import LogThrottle

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 1_000


class OpenConnection(Protocol):
    """What of asyncio's transport is needed to be rid of it."""

    def abort(self) -> None: ...


class Closing(StrEnum):
    """Why a connection was closed from here, with nothing said."""

    FULL = "full"
    SLOW = "slow"
    UNREAD = "unread"


def most_connections() -> int:
    """Half of the descriptors: calls, the model and files need the others."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if allowed < 0 else max(1, min(MOST_CONNECTIONS, allowed // 2))


class Connections:
    """One that waits for its caller (for a request, the rest of it, another one, or that he reads
    the answer) makes room for a newcomer: that which has waited longest, of the address of which
    most wait. One that is being answered, a web socket too, never does: then the newcomer is
    closed.

    Half of all may wait for one address. Behind a proxy all have the proxy's, which loses nothing
    but what it does not use.
    """

    def __init__(
        self, most: int | None = None, *, make_throttle: Callable[[], LogThrottle] = LogThrottle
    ) -> None:
        self.most = most_connections() if most is None else most
        self.most_waiting_of_one = max(1, self.most // 2)
        self.closed = Counter[Closing]()
        self._waiting: dict[OpenConnection, str] = {}
        self._answered: dict[OpenConnection, str] = {}
        self._waiting_of = Counter[str]()
        self._full = make_throttle()

    @property
    def count(self) -> int:
        """Of those that are open."""
        return len(self._waiting) + len(self._answered)

    def opened(self, connection: OpenConnection, address: str) -> None:
        self._wait(connection, address)
        if self._waiting_of[address] > self.most_waiting_of_one:
            self._make_room(address)
        elif self.count > self.most:
            ((crowded, _),) = self._waiting_of.most_common(1)
            self._make_room(crowded)

    def answers(self, connection: OpenConnection) -> None:
        """A whole request of its caller is here."""
        if (address := self._waiting.pop(connection, None)) is not None:
            self._stop_waiting(address)
            self._answered[connection] = address

    def waits(self, connection: OpenConnection) -> None:
        """It is its caller's turn."""
        if (address := self._answered.pop(connection, None)) is not None:
            self._wait(connection, address)

    def lost(self, connection: OpenConnection) -> None:
        self._answered.pop(connection, None)
        if (address := self._waiting.pop(connection, None)) is not None:
            self._stop_waiting(address)

    def close(self, connection: OpenConnection, why: Closing) -> None:
        self.closed[why] += 1
        self.lost(connection)
        connection.abort()

    def _wait(self, connection: OpenConnection, address: str) -> None:
        self._waiting[connection] = address
        self._waiting_of[address] += 1

    def _stop_waiting(self, address: str) -> None:
        self._waiting_of[address] -= 1
        if not self._waiting_of[address]:
            del self._waiting_of[address]

    def _make_room(self, address: str) -> None:
        longest = next(one for one, of in self._waiting.items() if of == address)
        self.close(longest, Closing.FULL)
        if count := self._full.note():
            logger.warning("Connections are closed: too many are open", extra={"count": count})
