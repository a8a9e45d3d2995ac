"""Where a container's time stamps put its sound, and how much silence stands before it."""

from __future__ import annotations

HOLE_TOLERANCE_S = 0.1
"""Stamps are rounded, and a recorder's clock drifts against them."""
BACKWARD_S = 1.0
"""Stamps that go back by more begin anew: files that were joined."""
LONGEST_HOLE_S = 600.0


class TimeStamps:
    """`position_s` is where the sound read so far ends, from the beginning of the recording."""

    def __init__(self) -> None:
        self.position_s = 0.0
        self.refused: list[tuple[float, float]] = []
        self._shift_s = 0.0
        self._began = False

    def silence_before(self, at_s: float) -> float:
        """Seconds of silence that are due before sound with this stamp.

        Sound that overlaps what came before loses nothing: a later hole is that much shorter.
        A jump too long to be believed makes none; `refused` has its place and its length.
        """
        if not self._began:
            self._began = True
            self.position_s = min(0.0, at_s)
        hole_s = at_s + self._shift_s - self.position_s
        if hole_s > LONGEST_HOLE_S:
            self.refused.append((self.position_s, hole_s))
        if hole_s > LONGEST_HOLE_S or hole_s < -BACKWARD_S:
            self._shift_s -= hole_s
            return 0.0
        return hole_s if hole_s > HOLE_TOLERANCE_S else 0.0

    def advance(self, seconds: float) -> None:
        self.position_s += seconds
