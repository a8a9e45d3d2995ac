"""How far a track's time stamps are ahead of its sound: sound that never came, and jitter."""

from __future__ import annotations

from collections import deque

WINDOW_CHUNKS = 100
LEAST_OF = 20
"""The lag is the twentieth of a window that is least: jitter makes others greater, and a time stamp
out of this world is one of a few.
"""
SMALLEST_GAP_MS = 40
LONGEST_GAP_MS = 60_000
"""A greater jump is another clock."""


class TimestampLag:
    """Jitter of up to 200 ms comes and goes within two seconds; what is missing stays away."""

    def __init__(self) -> None:
        self._lags_ms: deque[float] = deque(maxlen=WINDOW_CHUNKS)
        self._sound_ms = 0.0
        self._usual_ms: float | None = None

    def jump_ms(self, timestamp_ms: int) -> float:
        """How far this chunk stands behind its place, jitter included."""
        usual_ms = self._least() if self._usual_ms is None else self._usual_ms
        return timestamp_ms - self._sound_ms - usual_ms if self._lags_ms else 0.0

    def add(self, timestamp_ms: int, sound_ms: float) -> float:
        """A chunk of so much sound; what is now known to be missing, in ms, mostly nothing."""
        self._lags_ms.append(timestamp_ms - self._sound_ms)
        self._sound_ms += sound_ms
        least = self._least()
        if self._usual_ms is None or least < self._usual_ms:
            self._usual_ms = least
        if len(self._lags_ms) < WINDOW_CHUNKS or least - self._usual_ms < SMALLEST_GAP_MS:
            return 0.0
        missing_ms, self._usual_ms = least - self._usual_ms, least
        return missing_ms if missing_ms <= LONGEST_GAP_MS else 0.0

    def skip(self, missing_ms: float) -> None:
        """So much is missing for certain."""
        self._sound_ms += missing_ms

    def _least(self) -> float:
        return sorted(self._lags_ms)[len(self._lags_ms) // LEAST_OF] if self._lags_ms else 0.0
