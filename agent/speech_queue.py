"""Replies that wait for their turn to be said."""

from __future__ import annotations

from collections import deque
from typing import Generic, Protocol, TypeVar

MAX_WAITING = 8


class Urgent(Protocol):
    @property
    def urgent(self) -> bool: ...


T = TypeVar("T", bound=Urgent)


class SpeechQueue(Generic[T]):
    """First in, first out, but urgent ones pass those that are not.

    Call `make_room` before each `put`: whoever gives way has to be told of it.
    """

    def __init__(self, *, most: int = MAX_WAITING) -> None:
        self._most = most
        self._line: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._line)

    @property
    def first(self) -> T:
        """Whom `take` would give.

        :raises IndexError: when none waits.
        """
        return self._line[0]

    def make_room(self) -> T | None:
        """Take out of a full line the oldest that is not urgent, or the oldest where all are."""
        if len(self._line) < self._most:
            return None
        victim = next((item for item in self._line if not item.urgent), self._line[0])
        self._line.remove(victim)
        return victim

    def put(self, item: T) -> None:
        urgent_ahead = sum(waiting.urgent for waiting in self._line)
        self._line.insert(urgent_ahead if item.urgent else len(self._line), item)

    def take(self) -> T:
        """:raises IndexError: when none waits."""
        return self._line.popleft()
