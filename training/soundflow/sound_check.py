"""Sound that nothing should be made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave

FULL_SCALE = np.float32(0.999)
CLIPPED_SHARE = 0.001


class UnusableSound(Exception):
    """A sound that data construction refuses; the message says why."""


def checked(wave: Wave) -> Wave:
    """The same samples as float32.

    Clipped means that samples stand still at full scale: a peak that only touches it is whole, and
    what was made quieter after it was clipped goes unnoticed.

    :raises UnusableSound: when it is not one row of finite, unclipped samples.
    """
    if wave.ndim != 1:
        raise UnusableSound(f"has {wave.ndim} dimensions; give mono sound, one row of samples")
    bad = int(np.count_nonzero(~np.isfinite(wave)))
    if bad:
        raise UnusableSound(f"{bad} of {len(wave)} samples are not numbers (NaN or infinite)")
    level = np.abs(wave)
    held = (level[1:] >= FULL_SCALE) & (wave[1:] == wave[:-1])
    clipped = int(np.count_nonzero(held))
    if clipped > CLIPPED_SHARE * len(wave):
        raise UnusableSound(f"clipped: {clipped} of {len(wave)} samples stand still at full scale")
    return wave.astype(np.float32)
