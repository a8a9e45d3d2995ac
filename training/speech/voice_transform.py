"""One synthesised voice made to sound like others: pitch, vocal tract, another source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.speech import vocoder

if TYPE_CHECKING:
    import random

    from interject.training.sounds.waves import Wave
    from interject.training.speech.utterance import Pcm, Utterance

_PEAK = 20_000
_CONTOUR_STEP_S = 0.15


@dataclass(frozen=True, slots=True)
class VoiceTransform:
    """`pitch` and `tract` are factors on the frequencies of the voice and of its formants.

    `source_hz` above zero puts a new source in place of the voice's own: pulses that follow a
    new melody of `melody` octaves, with `breath` of noise. `steady` frames are averaged.
    `pitch` also makes the speech that much faster: have it spoken slower by as much.
    """

    pitch: float = 1.0
    tract: float = 1.0
    source_hz: float = 0.0
    melody: float = 0.15
    breath: float = 0.0
    steady: int = 1


PLAIN = VoiceTransform()


def random_transform(rng: random.Random, *, pitch: float) -> VoiceTransform:
    """Half of them with a new source; a higher voice mostly has a shorter vocal tract."""
    breath = rng.uniform(0.0, 0.35) if rng.random() < 0.4 else 0.0
    if rng.random() < 0.5:
        tract = _tract(rng, pitch)
        return VoiceTransform(pitch=pitch, tract=tract, breath=breath, steady=rng.choice((1, 1, 3)))
    source_hz = float(75 * (320 / 75) ** rng.random())
    return VoiceTransform(
        pitch=pitch, tract=_tract(rng, source_hz / 130), source_hz=source_hz,
        melody=rng.uniform(0.03, 0.35), breath=breath, steady=rng.choice((1, 3, 5)),
    )  # fmt: skip


def _tract(rng: random.Random, height: float) -> float:
    return min(1.28, max(0.82, float(height**0.22) * rng.uniform(0.9, 1.12)))


def transformed(utterance: Utterance, transform: VoiceTransform, rng: random.Random) -> Utterance:
    """The same words at the same moments (sooner by `pitch`) in another voice."""
    if transform == PLAIN:
        return utterance
    noise = np.random.default_rng(rng.getrandbits(64))
    factor = transform.pitch
    pcm = _changed(utterance.pcm, transform, noise)
    slots = np.arange(max(1, int(len(utterance.phones) / factor))) * factor
    last = len(utterance.phones) - 1
    return replace(
        utterance,
        pcm=pcm,
        phones=utterance.phones[np.minimum(slots.astype(int), last)],
        word_ends=tuple(
            (word, min(int(end / factor), len(pcm))) for word, end in utterance.word_ends
        ),
    )


def _changed(pcm: Pcm, transform: VoiceTransform, noise: np.random.Generator) -> Pcm:
    wave = pcm.astype(np.float32) / np.float32(32_768)
    if transform.pitch != 1.0:
        wave = _faster(wave, transform.pitch)
    spectra = vocoder.analyse(wave)
    old = vocoder.envelope(spectra)
    new = vocoder.moved(old, transform.tract / transform.pitch)
    if transform.steady > 1:
        new = vocoder.steadied(new, transform.steady)
    gain = np.exp(new) / vocoder.WHITE_LEVEL
    hiss = vocoder.analyse(noise.standard_normal(len(wave)).astype(np.float32))
    if transform.source_hz:
        voiced = vocoder.voicing(spectra)[:, None]
        voice = vocoder.analyse(vocoder.pulses(_melody(len(wave), transform, noise)))
        out = gain * (np.sqrt(voiced) * voice + np.sqrt(1 - voiced) * hiss)
    else:
        out = spectra * np.exp(new - old)
    changed = vocoder.synthesise(out + np.float32(transform.breath) * gain * hiss, len(wave))
    peak = float(np.abs(changed).max()) or 1.0
    return np.round(changed * (_PEAK / peak)).astype(np.int16)


def _faster(wave: Wave, factor: float) -> Wave:
    """By a transform of the whole: its ends are silent, and soxr may be missing."""
    size = next_fast_len(len(wave), real=True)
    played = round(size / factor)
    spectrum = rfft(wave, size)[: played // 2 + 1]
    out: Wave = irfft(spectrum, played)[: int(len(wave) / factor)] * np.float32(played / size)
    return out.astype(np.float32)


def _melody(count: int, transform: VoiceTransform, noise: np.random.Generator) -> Wave:
    """A pitch for every sample: it wanders, falls a little, and trembles."""
    points = int(count / SAMPLE_RATE_HZ / _CONTOUR_STEP_S) + 2
    octaves = noise.normal(0, transform.melody, points) - np.linspace(0, transform.melody, points)
    line = np.interp(np.linspace(0, points - 1, count), np.arange(points), octaves)
    hz = transform.source_hz * 2 ** np.clip(line, -1, 1)
    return np.asarray(hz, np.float32)
