"""Gains that move, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Fade:
    """From silence to full and back, along a quarter of a sine: of two sounds that take as long,
    one coming and one going, the powers always add up to one.
    """

    def __init__(self, rate_hz: int, *, in_s: float) -> None:
        self._rate_hz = rate_hz
        self._at = 0.0
        self._step = 1.0 / max(1.0, in_s * rate_hz)

    @property
    def is_over(self) -> bool:
        """It has gone."""
        return self._step < 0 and self._at <= 0

    @property
    def is_going(self) -> bool:
        return self._step < 0

    def out(self, seconds: float) -> None:
        """From where it is; what goes already goes no slower for it."""
        self._step = min(self._step, -1.0 / max(1.0, seconds * self._rate_hz))

    def gains(self, count: int) -> NDArray[np.float32]:
        places = np.clip(self._at + self._step * np.arange(1, count + 1), 0.0, 1.0)
        self._at = float(places[-1]) if count else self._at
        return np.asarray(np.sin(0.5 * np.pi * places), np.float32)


class Ducking:
    """Softer while somebody speaks, and for a while after it; straight in decibels on its way."""

    def __init__(
        self, rate_hz: int, *, depth_db: float, attack_s: float, hold_s: float, release_s: float
    ) -> None:
        self._depth_db = depth_db
        self._down = -depth_db / (attack_s * rate_hz)
        self._up = depth_db / (release_s * rate_hz)
        self._hold = round(hold_s * rate_hz)
        self._held = 0
        self._at_db = 0.0

    def gains(self, count: int, *, speech: bool) -> NDArray[np.float32]:
        """`speech`: somebody speaks in these samples."""
        step = self._down if speech or self._held else self._up
        self._held = self._hold if speech else max(0, self._held - count)
        places = np.clip(self._at_db + step * np.arange(1, count + 1), -self._depth_db, 0.0)
        self._at_db = float(places[-1]) if count else self._at_db
        return np.asarray(np.power(10.0, places / 20.0), np.float32)
