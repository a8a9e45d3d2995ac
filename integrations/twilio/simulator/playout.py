"""What Twilio holds of the sound that a server sent, until the telephone has played it."""

from __future__ import annotations

from collections import deque

from interject.integrations.twilio.simulator.mulaw import BLOCK_SAMPLES, RATE_HZ, SILENCE


class TelephonePlayout:
    """Sound and marks in their order; 20 ms leave at a time."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._marks: deque[tuple[int, str]] = deque()
        self._written = 0
        self._played = 0
        self.most_held_s = 0.0

    @property
    def held_s(self) -> float:
        return len(self._held) / RATE_HZ

    def write(self, payload: bytes) -> None:
        self._held += payload
        self._written += len(payload)
        self.most_held_s = max(self.most_held_s, self.held_s)

    def mark(self, name: str) -> list[str]:
        """The names that have been reached by that: this one where nothing is before it."""
        self._marks.append((self._written, name))
        return self._reached()

    def clear(self) -> list[str]:
        """Drop what was not played; the marks that waited come back."""
        self._held.clear()
        self._played = self._written
        return self._reached()

    def take(self) -> tuple[bytes, list[str]]:
        """The next 20 ms, and the marks that they reach."""
        block = bytes(self._held[:BLOCK_SAMPLES])
        del self._held[:BLOCK_SAMPLES]
        self._played += len(block)
        return block + SILENCE * (BLOCK_SAMPLES - len(block)), self._reached()

    def _reached(self) -> list[str]:
        names = []
        while self._marks and self._marks[0][0] <= self._played:
            names.append(self._marks.popleft()[1])
        return names
