"""Long silence made short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.training.soundflow.sound_frames import energies, in_samples

if TYPE_CHECKING:
    from interject.training.soundflow.tfjp_settings import TfjpSettings
    from interject.training.sounds.waves import Wave

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


def silence_cut(wave: Wave, settings: TfjpSettings) -> Wave:
    """Shorten every silent run longer than tau to tau, from its middle.

    The paper says that such runs are cut, not to what. Tau leaves a run of 310 ms about as long as
    one of 290 ms, keeps both seams in silence, and lets a second call change nothing more.
    """
    size = in_samples(settings.omega_ms)
    silent = silent_frames(wave, settings)
    edges = np.flatnonzero(np.diff(silent, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    most = max(1, round(settings.tau_ms / settings.omega_ms))
    long = ends - starts > most
    starts, ends = starts[long], ends[long]
    if not len(starts):
        return wave
    kept_before = most // 2
    drop = np.zeros(len(silent) + 1, np.int32)
    drop[starts + kept_before] += 1
    drop[ends - (most - kept_before)] -= 1
    kept = np.cumsum(drop[:-1]) == 0
    shortened: Wave = wave[np.repeat(kept, size)[: len(wave)]]
    return shortened


def silent_frames(wave: Wave, settings: TfjpSettings) -> Mask:
    """One value a frame of omega. Digital silence is silent whatever the gate."""
    power = energies(wave, in_samples(settings.omega_ms))
    if not len(power):
        return np.zeros(0, np.bool_)
    floor = np.percentile(power, settings.gate_percentile, method="lower")
    gate = floor * np.float32(10 ** (settings.gate_margin_db / 10))
    most = power.max() * np.float32(10 ** (-settings.silence_depth_db / 10))
    silent: Mask = power <= min(gate, most)
    return silent
