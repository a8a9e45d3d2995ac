"""Where in a sound the event is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.training.soundflow.sound_frames import energies, in_samples, spectral_entropies

if TYPE_CHECKING:
    from interject.training.soundflow.tfjp_settings import TfjpSettings
    from interject.training.sounds.waves import Wave


def core_locate(wave: Wave, settings: TfjpSettings) -> tuple[int, int]:
    """First and last sample (not included) of the core, in whole frames; (0, 0) of silence.

    A frame's score is its energy, as a share of the loudest frame's, over its spectral entropy.
    All scores are above zero, so that the span with the largest sum would be the whole sound: the
    core is the span with the largest sum of what is above `core_level` of the mean score.
    """
    size = in_samples(settings.omega_ms)
    power = energies(wave, size)
    loudest = power.max(initial=0.0)
    if not loudest > 0:
        return 0, 0
    score = power / loudest / spectral_entropies(wave, size)
    first, last = best_span(score - settings.core_level * score.mean())
    return first * size, min(last * size, len(wave))


def best_span(values: Wave) -> tuple[int, int]:
    """The contiguous span with the largest sum; at least one value has to be above zero."""
    sums = np.concatenate((np.zeros(1), np.cumsum(values, dtype=np.float64)))
    lowest = np.minimum.accumulate(sums)
    last = int(np.argmax(sums - lowest))
    first = int(np.argmin(sums[: last + 1]))
    return first, last


def boundary_norm(core: tuple[int, int], count: int, settings: TfjpSettings) -> tuple[int, int]:
    """Move both ends outwards to the grid of delta, as far as the sound reaches.

    The paper does not say which way. Outwards nothing of the core is lost.
    """
    grid = in_samples(settings.delta_ms)
    first, last = core
    return first // grid * grid, min(-(-last // grid) * grid, count)
