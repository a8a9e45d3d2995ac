"""What lies under a stream: two noise tracks, an ambience, and what becomes of them in the gaps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.soundflow.crossfade import tiled
from interject.training.soundflow.gap_texture import GapTexture, speaking
from interject.training.soundflow.levels import amplitude, audible, decibels_of, power
from interject.training.sounds.waves import uniform
from interject.training.streams.span import Layer, StreamSpan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from interject.training.soundflow.composer_settings import NoiseSettings
    from interject.training.soundflow.silence_cut import Mask
    from interject.training.soundflow.sound_library import SoundClip
    from interject.training.sounds.waves import Rng, Wave

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class NoiseTrack:
    """`snr_db` is what was drawn; it holds over all samples in which the signal is active."""

    wave: Wave = field(repr=False)
    snr_db: float
    spans: tuple[StreamSpan, ...] = ()


def noise_track(
    clips: Sequence[SoundClip], label: str, *, signal_power: float, active: Mask, snr_db: float,
    fade_s: float, rng: Rng,
) -> NoiseTrack:  # fmt: skip
    """The clips tiled over the whole stream, speech included, and brought to this SNR."""
    waves = [clip.wave for clip in clips]
    offset = int(rng.integers(max(1, len(waves[0]))))
    made = tiled(waves, len(active), round(fade_s * SAMPLE_RATE_HZ), offset=offset)
    heard = audible(made.wave)
    now = power(heard, active if active.any() else None)
    if not now or not signal_power:
        return NoiseTrack(np.zeros(len(active), np.float32), snr_db)
    gain = amplitude(decibels_of(signal_power) - snr_db - decibels_of(now))
    return NoiseTrack(heard * gain, snr_db, tuple(layer_spans(
        made.pieces, clips, Layer.NOISE, label)))  # fmt: skip


def layer_spans(
    pieces: Sequence[tuple[int, int, int]], clips: Sequence[SoundClip], layer: Layer, label: str
) -> list[StreamSpan]:
    """One a clip, from where it is first heard to where it is last."""
    reach: dict[int, tuple[int, int]] = {}
    for which, first, last in pieces:
        begun, _ = reach.get(which, (first, last))
        reach[which] = (begun, last)
    return [
        StreamSpan(
            layer, label, first / SAMPLE_RATE_HZ, last / SAMPLE_RATE_HZ,
            source=clips[which].source,
        )
        for which, (first, last) in sorted(reach.items())
    ]  # fmt: skip


def in_gaps(
    bed: Wave, active: Mask, texture: GapTexture, speech_power: float, settings: NoiseSettings,
    rng: Rng,
) -> Wave:  # fmt: skip
    """The bed as it is while something is heard, and in the gaps as the texture wants it."""
    depth_db, hiss_db = (
        uniform(rng, *span) for span in (settings.gap_depth_db, settings.hiss_depth_db)
    )
    if texture is GapTexture.PUBLISHED or not active.any():
        return bed
    heard = speaking(active, SAMPLE_RATE_HZ)
    gap = 1 - heard
    if texture is GapTexture.NOISE:
        now = power(bed, gap == 1)
        wanted = decibels_of(speech_power) - depth_db
        gain = min(np.float32(1), amplitude(wanted - decibels_of(now))) if now else np.float32(1)
        quieter: Wave = bed * (heard + gain * gap)
        return quieter
    stopped: Wave = bed * heard
    if texture is GapTexture.HISS:
        level = amplitude(decibels_of(speech_power) - hiss_db)
        stopped += level * gap * rng.standard_normal(len(bed)).astype(np.float32)
    return stopped


def weighted(weights: Mapping[K, float], rng: Rng) -> K:
    """One of the keys, by its weight."""
    names = list(weights)
    shares = np.array([weights[name] for name in names], np.float64)
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]
