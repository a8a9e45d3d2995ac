"""One track's chunks in the order of their numbers, each of them once."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.integrations.twilio.messages import MediaChunk

MOST_HELD = 3
"""So many later chunks come before one is taken for lost: 60 ms, and a mixer waits for 100."""
REACH = 64
"""A number that is further away counts anew, or stands behind a long hole."""


class ChunkOrder:
    """Only numbers say what is missing and what comes twice: time stamps jitter.

    Numbers that begin anew, or that mean nothing, leave the chunks in the order of their arrival.
    """

    def __init__(self) -> None:
        self._next: int | None = None
        self._held: dict[int, MediaChunk] = {}
        self._seen: deque[tuple[int, int, int]] = deque(maxlen=REACH)
        self._given_up: deque[int] = deque(maxlen=REACH)
        self._waits = True
        self.dropped = 0

    def push(self, chunk: MediaChunk) -> list[tuple[int, MediaChunk]]:
        """Those that are in order now, each with how many are missing before it."""
        seen = (chunk.number, chunk.timestamp_ms, hash(chunk.payload))
        if seen in self._seen or chunk.number in self._given_up:
            self.dropped += 1
            return []
        self._seen.append(seen)
        ahead = 0 if self._next is None else chunk.number - self._next
        if ahead > REACH:
            return [*self._released(0), self._jump(chunk, ahead)]
        if ahead < 0 or chunk.number in self._held:
            self._given_up.clear()
            return [*self._released(0), self._jump(chunk, 0)]
        if self._next is None:
            self._next = chunk.number
        self._held[chunk.number] = chunk
        return self._released(MOST_HELD - 1 if self._waits else 0)

    def wait_no_more(self) -> None:
        """What the numbers leave out was never there."""
        self._waits = False

    def _jump(self, chunk: MediaChunk, missing: int) -> tuple[int, MediaChunk]:
        self._next = chunk.number + 1
        return missing, chunk

    def _released(self, may_hold: int) -> list[tuple[int, MediaChunk]]:
        ready: list[tuple[int, MediaChunk]] = []
        while self._held:
            number = min(self._held)
            assert self._next is not None, "chunks are held"
            missing = number - self._next
            if missing and len(self._held) <= may_hold:
                break
            self._given_up.extend(range(self._next, number))
            ready.append(self._jump(self._held.pop(number), missing))
        return ready
