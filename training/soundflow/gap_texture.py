"""What is heard between what is said.

A model that has only heard loud noise in the gaps of clean speech takes a quiet microphone for
something else: the textures of real gaps have to be in the data.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from interject.training.soundflow.silence_cut import Mask
    from interject.training.sounds.waves import Wave

BEFORE_S, AFTER_S = 0.05, 0.25
"""A gap begins this long after the sound before it, when a room has died away."""
RAMP_S = 0.03


class GapTexture(StrEnum):
    """`PUBLISHED`: the noise goes on unchanged. `NOISE`: it goes on, quieter. The last two: what
    lies under the speech stops, and there is nothing at all or a faint hiss."""

    PUBLISHED = "published"
    NOISE = "noise"
    DIGITAL_ZERO = "digital_zero"
    HISS = "hiss"


def speaking(active: Mask, rate_hz: int) -> Wave:
    """1 while something is heard and shortly before and after, 0 in the gaps, ramps between."""
    edges = np.flatnonzero(np.diff(active, prepend=False, append=False))
    before, after, ramp = (round(seconds * rate_hz) for seconds in (BEFORE_S, AFTER_S, RAMP_S))
    heard = np.zeros(len(active), np.float64)
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        heard[max(0, first - before) : last + after] = 1
    total = np.cumsum(np.concatenate((np.zeros(ramp), heard)))
    smooth: Wave = ((total[ramp:] - total[:-ramp]) / ramp).astype(np.float32)
    return smooth
