"""What sounds are made of: tones, coloured noise, envelopes, resonances, patterns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ

Wave = np.ndarray[Any, np.dtype[np.float32]]
Rng = np.random.Generator
Model = Callable[[Rng], Wave]


def samples(seconds: float) -> int:
    return max(1, int(seconds * SAMPLE_RATE_HZ))


def uniform(rng: Rng, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def log_uniform(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def glide(points_hz: Sequence[float], seconds: float) -> Wave:
    """Frequencies through evenly spaced points."""
    count = samples(seconds)
    where = np.linspace(0, len(points_hz) - 1, count)
    return np.interp(where, np.arange(len(points_hz)), points_hz).astype(np.float32)


def tone(rng: Rng, hz: float | Wave, seconds: float, harmonics: Sequence[float] = (1.0,)) -> Wave:
    """A sum of harmonics (relative amplitudes); those beyond 7.8 kHz are left out."""
    line = np.full(samples(seconds), hz, np.float32) if isinstance(hz, (int, float)) else hz
    phase = 2 * np.pi * np.cumsum(line, dtype=np.float64) / SAMPLE_RATE_HZ + rng.uniform(0, 6.28)
    out = np.zeros(len(line), np.float32)
    for number, level in enumerate(harmonics, start=1):
        if level and number * float(line.max()) < 7_800:
            out += np.float32(level) * np.sin(number * phase).astype(np.float32)
    return out


def timbre(rng: Rng, count: int, slope: float = 1.0) -> list[float]:
    """Random harmonic levels that fall with about 1 / n ** slope."""
    return [float(rng.uniform(0.3, 1.0) / n**slope) for n in range(1, count + 1)]


def noise(rng: Rng, seconds: float, low_hz: float = 0.0, high_hz: float = 8_000.0,
          slope: float = 0.0) -> Wave:  # fmt: skip
    """Noise in a band with soft edges; power falls with frequency ** -slope."""
    count = samples(seconds)
    spectrum = np.fft.rfft(rng.standard_normal(count).astype(np.float32))
    hz = np.fft.rfftfreq(count, 1 / SAMPLE_RATE_HZ)
    gain = 1 / (1 + (hz / max(high_hz, 1)) ** 8)
    if low_hz > 0:
        gain *= 1 - 1 / (1 + (hz / low_hz) ** 6)
    if slope:
        gain *= np.maximum(hz, 20.0) ** (-slope / 2)
    return np.fft.irfft(spectrum * gain, count).astype(np.float32)


def decay(seconds: float, time_constant_s: float, attack_s: float = 0.002) -> Wave:
    t = np.arange(samples(seconds)) / SAMPLE_RATE_HZ
    return (np.minimum(1.0, t / attack_s) * np.exp(-t / time_constant_s)).astype(np.float32)


def gate(wave: Wave, edge_s: float = 0.005) -> Wave:
    """Fade both ends."""
    edge = min(samples(edge_s), len(wave) // 2)
    if edge:
        ramp = np.linspace(0, 1, edge, dtype=np.float32)
        wave = wave.copy()
        wave[:edge] *= ramp
        wave[-edge:] *= ramp[::-1]
    return wave


def ring(rng: Rng, seconds: float, modes_hz: Sequence[float], time_constant_s: float) -> Wave:
    """A struck body: decaying modes, the high ones faster."""
    t = np.arange(samples(seconds)) / SAMPLE_RATE_HZ
    out = np.zeros(len(t))
    lowest = min(modes_hz)
    for hz in modes_hz:
        if hz < 7_800:
            fall = time_constant_s * (lowest / hz) ** 0.5 * rng.uniform(0.5, 1.5)
            out += (
                rng.uniform(0.3, 1)
                * np.sin(6.2832 * hz * t + rng.uniform(0, 6))
                * np.exp(-t / fall)
            )
    return out.astype(np.float32)


def formants(wave: Wave, centres_hz: Sequence[float], width_hz: float = 120.0) -> Wave:
    """Colour a source like a vocal tract."""
    spectrum = np.fft.rfft(wave)
    hz = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE_HZ)
    gain = np.full(len(hz), 0.02)
    for centre in centres_hz:
        gain += 1 / (1 + ((hz - centre) / width_hz) ** 2)
    return np.fft.irfft(spectrum * gain, len(wave)).astype(np.float32)


def sequence(parts: Sequence[tuple[float, Wave]]) -> Wave:
    """Add waves, each at its start in seconds."""
    ends = [samples(at) + len(wave) for at, wave in parts]
    out = np.zeros(max(ends), np.float32)
    for at, wave in parts:
        start = int(at * SAMPLE_RATE_HZ)
        out[start : start + len(wave)] += wave
    return out


def repeat(make: Callable[[], Wave], count: int, gap_s: Callable[[], float]) -> Wave:
    """`gap_s` is from the end of one to the start of the next."""
    parts: list[tuple[float, Wave]] = []
    at = 0.0
    for _ in range(count):
        wave = make()
        parts.append((at, wave))
        at += len(wave) / SAMPLE_RATE_HZ + gap_s()
    return sequence(parts)


def full(wave: Wave) -> Wave:
    """Scaled to a peak of one."""
    peak = float(np.abs(wave).max()) or 1.0
    return wave * np.float32(1 / peak)


def saturate(wave: Wave, drive: float) -> Wave:
    peak = float(np.abs(wave).max()) or 1.0
    driven: Wave = np.tanh(wave / peak * drive).astype(np.float32)
    return driven
