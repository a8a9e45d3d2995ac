"""What a sound's noise is, and the sound without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.training.speech import vocoder

if TYPE_CHECKING:
    from interject.training.soundflow.tfjp_settings import TfjpSettings
    from interject.training.sounds.waves import Wave

_EDGE_FRAMES = vocoder.FRAME // vocoder.HOP - 1
"""At either end these reach beyond the sound and look quieter than they are."""


def denoised(wave: Wave, settings: TfjpSettings) -> Wave:
    """Spectral subtraction of magnitudes, on the 32 ms frames of `training.vocoder`.

    The paper names neither frame, nor magnitude or power, nor a floor.
    """
    spectra = vocoder.analyse(wave)
    magnitudes = np.abs(spectra)
    profile = noise_profile(magnitudes, settings)
    if not profile.any():
        return wave
    wanted = np.maximum(
        magnitudes - np.float32(settings.gamma) * profile,
        np.float32(settings.spectral_floor) * magnitudes,
    )
    gain = np.divide(wanted, magnitudes, out=np.zeros_like(magnitudes), where=magnitudes > 0)
    return vocoder.synthesise(spectra * gain, len(wave))


def noise_profile(magnitudes: Wave, settings: TfjpSettings) -> Wave:
    """The mean magnitude of each bin over the frames of the least energy.

    Frames of digital silence say nothing about the noise and are left out, as are those at the
    ends. Nothing is left of a sound shorter than a frame: its profile is zero.
    """
    whole = magnitudes[_EDGE_FRAMES : len(magnitudes) - _EDGE_FRAMES]
    power = np.einsum("fb,fb->f", whole, whole)
    sounding = np.flatnonzero(power > 0)
    if not len(sounding):
        return np.zeros(magnitudes.shape[1], np.float32)
    count = max(1, int(len(sounding) * settings.noise_percent / 100))
    quietest = sounding[np.argsort(power[sounding], kind="stable")[:count]]
    profile: Wave = whole[quietest].mean(axis=0)
    return profile
