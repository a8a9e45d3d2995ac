"""What keeps a sum of sounds from being cut off at full scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ATTACK_S = 0.005
RELEASE_S = 0.2
"""From silence to full; a peak is over sooner by as much as it was lower."""

OPEN = 0.999


class Limiter:
    """No sample leaves above the ceiling. It delays nothing: it looks ahead to a block's end, and
    only a peak in its first 5 ms comes without that much of a slope.
    """

    def __init__(self, rate_hz: int, ceiling_dbfs: float) -> None:
        self._ceiling = 10.0 ** (ceiling_dbfs / 20.0)
        self._attack = 1.0 / (ATTACK_S * rate_hz)
        self._release = 1.0 / (RELEASE_S * rate_hz)
        self._gain = 1.0

    def limited(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Full scale is 1."""
        size = np.abs(block)
        if not len(block) or (self._gain > OPEN and float(size.max()) <= self._ceiling):
            return block
        needed = np.minimum(1.0, self._ceiling / np.maximum(size, self._ceiling))
        at = np.arange(len(block))
        ahead = needed + at * self._attack
        falling = np.minimum.accumulate(ahead[::-1])[::-1] - at * self._attack
        behind = np.concatenate(([self._gain], falling - (at + 1) * self._release))
        gains = np.minimum.accumulate(behind)[1:] + (at + 1) * self._release
        self._gain = float(gains[-1])
        return np.asarray(block * np.minimum(gains, needed), np.float32)
