"""Coughs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.sounds.phonation import Phonation, Tract, breath, phonate
from interject.training.sounds.struck import Ground
from interject.training.sounds.waves import (
    Model,
    Rng,
    Wave,
    decay,
    formants,
    full,
    gate,
    glide,
    log_uniform,
    noise,
    repeat,
    samples,
    sequence,
    timbre,
    tone,
    uniform,
)


def _one_cough(rng: Rng, low_hz: float, high_hz: float, voiced: float) -> Wave:
    seconds = uniform(rng, 0.18, 0.38)
    burst = noise(rng, 0.06, 300, 6_000) * decay(0.06, 0.015)
    tail = noise(rng, seconds, low_hz, high_hz, 0.5) * decay(seconds, seconds / 3, 0.01)
    out = sequence([(0.0, burst / np.abs(burst).max()), (0.03, 0.8 * tail / np.abs(tail).max())])
    hum = tone(rng, glide((uniform(rng, 150, 350), 110), seconds), seconds, timbre(rng, 8))
    out[: len(hum)] += (
        np.float32(voiced) * hum * decay(seconds, seconds / 3, 0.02) / np.abs(hum).max()
    )
    return formants(out, (uniform(rng, 500, 900), uniform(rng, 1_200, 1_900), 2_800), 350)


def _fit(rng: Rng) -> Wave:
    """One throat, one to five coughs, each with the three phases of a recorded one; some begin with
    a breath in.
    """
    throat = _throat(rng)
    ground = Ground(4.4)
    at, pace_s = 0.0, uniform(rng, 0.22, 0.6)
    if rng.random() < 0.3:
        drawn = gate(breath(rng, uniform(rng, 0.2, 0.5), throat, 400), 0.08)
        ground.add(0.0, drawn, uniform(rng, 0.03, 0.3))
        at = len(drawn) / SAMPLE_RATE_HZ + uniform(rng, 0.02, 0.2)
    manner = _Manner.of(rng)
    for number in range(int(rng.choice([1, 1, 2, 2, 3, 4, 5]))):
        ground.add(at, _cough(rng, throat, manner), 0.9**number * uniform(rng, 0.6, 1))
        at += pace_s * uniform(rng, 0.8, 1.3)
    return gate(_dulled(rng, ground.sound[: int((at + 0.3) * SAMPLE_RATE_HZ)]), 0.002)


def _dulled(rng: Rng, wave: Wave) -> Wave:
    """Most of a cough lies under 3 kHz: above it falls by up to 12 dB an octave."""
    hz = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE_HZ)
    gain = (1 + (hz / log_uniform(rng, 500, 4_000)) ** 2) ** (-uniform(rng, 0, 2) / 2)
    return np.fft.irfft(np.fft.rfft(wave) * gain, len(wave)).astype(np.float32)


def _throat(rng: Rng) -> Tract:
    """An open mouth: near the vowels of "cut" and "cot", of a child's to a large man's length."""
    scale = uniform(rng, 0.85, 1.5)
    lines = [
        (uniform(rng, 450, 900), uniform(rng, 450, 800), uniform(rng, 350, 700)),
        (uniform(rng, 1_000, 1_700), uniform(rng, 1_000, 1_500), uniform(rng, 900, 1_500)),
        (uniform(rng, 2_200, 3_000),) * 3,
        (uniform(rng, 3_300, 4_200),) * 3,
    ]
    lines = [(a * scale, b * scale, c * scale) for a, b, c in lines]
    return Tract(tuple(lines), uniform(rng, 110, 280))


@dataclass(frozen=True, slots=True)
class _Manner:
    """What the coughs of one fit have in common; `wet` is how much mucus flutters in the air."""

    burst_s: float
    air_s: float
    air: float
    voice: float
    voice_hz: float
    wet: float

    @classmethod
    def of(cls, rng: Rng) -> _Manner:
        return cls(
            uniform(rng, 0.015, 0.06), uniform(rng, 0.06, 0.3), log_uniform(rng, 0.1, 0.8),
            log_uniform(rng, 0.15, 1.5) if rng.random() < 0.65 else 0.0,
            log_uniform(rng, 95, 420), uniform(rng, 0, 0.9) if rng.random() < 0.4 else 0.0,
        )  # fmt: skip


def _cough(rng: Rng, throat: Tract, how: _Manner) -> Wave:
    """The glottis bursts open, air rushes out, and the folds close in it again."""
    ground = Ground(how.burst_s + how.air_s + 0.45)
    opening = breath(rng, how.burst_s * 5, throat, uniform(rng, 80, 300))
    opening += 0.4 * full(noise(rng, how.burst_s * 5, 60, 7_900))
    opening *= decay(how.burst_s * 5, how.burst_s, uniform(rng, 0.001, 0.012))
    ground.add(0.0, full(opening))
    air = breath(rng, how.air_s * 1.5, throat, 300)
    air *= decay(how.air_s * 1.5, how.air_s / uniform(rng, 1, 3), uniform(rng, 0.01, 0.04))
    if how.wet:
        beat_hz = uniform(rng, 22, 60) * (1 + 0.2 * rng.standard_normal())
        beat = np.sin(2 * np.pi * beat_hz * np.arange(len(air)) / SAMPLE_RATE_HZ)
        air *= (1 - how.wet * (0.5 + 0.5 * np.sign(beat))).astype(np.float32)
    ground.add(how.burst_s * uniform(rng, 0.5, 1.5), full(air), how.air)
    if how.voice:
        seconds = uniform(rng, 0.06, 0.28)
        hz = how.voice_hz * uniform(rng, 0.9, 1.15)
        line = glide((hz * uniform(rng, 0.9, 1.3), hz, hz * uniform(rng, 0.55, 0.9)), seconds)
        manner = Phonation(
            uniform(rng, 0.7, 1.6), uniform(rng, 0, 0.7) * (rng.random() < 0.4),
            uniform(rng, 0.1, 0.9),
        )  # fmt: skip
        voice = phonate(rng, line, throat, manner) * decay(seconds, seconds / 2.5, 0.012)
        ground.add(uniform(rng, 0.01, 0.02 + how.air_s * 0.7), full(voice), how.voice)
    return full(ground.sound)


def _acted_cough(rng: Rng) -> Wave:
    """As people cough to be noticed, and actors: a "k" or an "h", then much voice."""
    throat, pitch_hz = _throat(rng), log_uniform(rng, 100, 380)
    ground = Ground(3.0)
    at = 0.0
    for _ in range(int(rng.choice([1, 2, 2, 3, 4]))):
        seconds = uniform(rng, 0.1, 0.35)
        start = breath(rng, uniform(rng, 0.04, 0.12), throat, 500)
        ground.add(at, gate(start, 0.008), uniform(rng, 0.3, 1))
        line = glide((pitch_hz * uniform(rng, 0.9, 1.4), pitch_hz, pitch_hz * 0.75), seconds)
        how = Phonation(uniform(rng, 0.6, 1.4), 0.3 * (rng.random() < 0.3), uniform(rng, 0.1, 0.8))
        voice = phonate(rng, line, throat, how) * decay(seconds, seconds / 2, 0.02)
        ground.add(at + uniform(rng, 0.02, 0.08), full(voice), uniform(rng, 0.5, 1))
        at += seconds + uniform(rng, 0.03, 0.35)
    return gate(_dulled(rng, ground.sound[: int(at * SAMPLE_RATE_HZ)]), 0.002)


def _single_cough(rng: Rng) -> Wave:
    """One or two: a wide burst as the throat opens, breath, and in half of them a voice."""
    return repeat(lambda: _explosive(rng), 1 if rng.random() < 0.65 else 2,
                  lambda: uniform(rng, 0.02, 0.4))  # fmt: skip


def _explosive(rng: Rng) -> Wave:
    opening = uniform(rng, 0.03, 0.1)
    burst = noise(rng, opening, uniform(rng, 80, 450), uniform(rng, 3_500, 7_800))
    burst *= decay(opening, uniform(rng, 0.012, 0.035), uniform(rng, 0.002, 0.012))
    breath_s = uniform(rng, 0.1, 0.4)
    breath = noise(rng, breath_s, uniform(rng, 150, 700), uniform(rng, 2_200, 7_500),
                   uniform(rng, 0, 1.2))  # fmt: skip
    breath *= decay(breath_s, breath_s / uniform(rng, 1.3, 4), uniform(rng, 0.005, 0.03))
    parts = [
        (0.0, full(burst)),
        (opening * uniform(rng, 0.3, 1), full(breath) * np.float32(log_uniform(rng, 0.15, 0.9))),
    ]
    if rng.random() < 0.5:
        parts.append((opening * uniform(rng, 0.5, 2), _voice(rng)))
    centres_hz = [uniform(rng, 400, 1_100), uniform(rng, 1_100, 2_200), uniform(rng, 2_300, 3_600)]
    dry = sequence(parts)
    coloured = full(formants(dry, centres_hz, uniform(rng, 180, 600)))
    return coloured + full(dry) * np.float32(uniform(rng, 0, 0.6))


def _voice(rng: Rng) -> Wave:
    """The vocal folds close at the end of many coughs."""
    seconds, hz = uniform(rng, 0.06, 0.25), log_uniform(rng, 100, 480)
    line = glide((hz, hz * uniform(rng, 0.8, 1.2), hz * uniform(rng, 0.5, 0.9)), seconds)
    hum = tone(rng, line, seconds, timbre(rng, 14, uniform(rng, 0.5, 1.2)))
    hum *= decay(seconds, seconds / 2, 0.015)
    return full(hum) * np.float32(log_uniform(rng, 0.1, 0.8))


def _hacking_cough(rng: Rng) -> Wave:
    """Kept for tests: many, fast, getting weaker."""
    count = int(rng.integers(4, 7))
    hits = [_one_cough(rng, 250, 4_500, 0.3) * np.float32(0.85**n) for n in range(count)]
    return np.concatenate(
        [np.concatenate((hit, np.zeros(samples(0.04), np.float32))) for hit in hits]
    )


COUGHS: tuple[Model, ...] = (_fit, _fit, _acted_cough, _single_cough, _hacking_cough)
