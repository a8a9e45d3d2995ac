"""TFJP: a recording with silence and noise in, the event in it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.training.soundflow.core_locate import boundary_norm, core_locate
from interject.training.soundflow.noise_profile import denoised
from interject.training.soundflow.silence_cut import silence_cut
from interject.training.soundflow.sound_check import checked
from interject.training.soundflow.sound_frames import in_samples
from interject.training.soundflow.tapers import tapered
from interject.training.soundflow.tfjp_settings import TfjpSettings

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave


@dataclass(frozen=True, slots=True)
class CleanedSound:
    """16 kHz; no samples where there was only silence.

    `passes` has one count for every outer round. `is_stable` is false when the last pass of a round
    was the k-th and still changed something, `is_settled` when the outer rounds ended that way.
    """

    wave: Wave = field(repr=False)
    passes: tuple[int, ...] = ()
    is_stable: bool = True
    is_settled: bool = True


PUBLISHED = TfjpSettings()


def clean(wave: Wave, settings: TfjpSettings = PUBLISHED) -> CleanedSound:
    """Never longer than the sound given.

    :raises UnusableSound: when there are samples that are no numbers, or it is clipped.
    """
    wave = checked(wave)
    passes: list[int] = []
    is_stable = True
    for _ in range(settings.outer_rounds):
        wave, count, ended = purified(wave, settings)
        passes.append(count)
        is_stable = is_stable and ended
        first, last = boundary_norm(core_locate(wave, settings), len(wave), settings)
        cut = tapered(wave[first:last], in_samples(settings.omega_ms))
        wave = silence_cut(cut, settings)
        if len(wave) == len(cut):
            return CleanedSound(wave, tuple(passes), is_stable)
    return CleanedSound(wave, tuple(passes), is_stable, is_settled=False)


def purified(wave: Wave, settings: TfjpSettings) -> tuple[Wave, int, bool]:
    """Cut silence and subtract noise until both leave the sound as it is, or k times.

    The paper's "until statistics are stable": the length stays, and the energy within
    `stable_change`. Returns also how many passes there were, and whether the last one was stable.
    """
    for count in range(1, settings.k + 1):
        changed = denoised(silence_cut(wave, settings), settings)
        before, after = _energy(wave), _energy(changed)
        is_stable = (
            len(changed) == len(wave) and abs(after - before) <= settings.stable_change * before
        )
        wave = changed
        if is_stable:
            return wave, count, True
    return wave, settings.k, False


def _energy(wave: Wave) -> float:
    return float(np.sum(np.square(wave, dtype=np.float64)))
