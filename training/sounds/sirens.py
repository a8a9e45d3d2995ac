"""Sirens of vehicles: what the horn sounds, and what a street makes of it."""

from __future__ import annotations

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.sounds.waves import (
    Model,
    Rng,
    Wave,
    formants,
    full,
    gate,
    glide,
    log_uniform,
    noise,
    samples,
    saturate,
    timbre,
    tone,
    uniform,
)

_PAIRS_HZ = (
    (440, 585), (410, 547), (362, 483), (435, 488), (420, 516), (435, 580), (466, 622), (392, 660),
    (500, 660), (530, 700), (600, 800), (670, 900), (550, 1_100),
)  # fmt: skip
"""Two-tone horns of Germany, Austria, France, Italy, Britain, Japan and others, about."""
_TABLE, _HIGHEST_HZ = 4_096, 7_800.0
"""Samples of one period, which is read at any pitch."""


def _swept(rng: Rng, cycles_hz: float, low: float, high: float, seconds: float) -> Wave:
    """The pitch goes up faster than down or evenly, from anywhere in its cycle."""
    rise = uniform(rng, 0.2, 0.6)
    where = (np.arange(samples(seconds)) / SAMPLE_RATE_HZ * cycles_hz + rng.random()) % 1
    up = np.where(where < rise, where / rise, (1 - where) / (1 - rise))
    if rng.random() < 0.5:
        up = 0.5 - 0.5 * np.cos(np.pi * up)
    line: Wave = (low * (high / low) ** up).astype(np.float32)
    return line


def _sounded(rng: Rng, line_hz: Wave) -> Wave:
    """An amplifier's square-like wave through a horn, or a rotor that chops air."""
    if rng.random() < 0.6:
        levels = [uniform(rng, 0.6, 1) / n if n % 2 else uniform(rng, 0, 0.5) / n
                  for n in range(1, 16)]  # fmt: skip
    else:
        levels = timbre(rng, 14, uniform(rng, 0.4, 1.2))
    turn = 2 * np.pi * np.arange(_TABLE) / _TABLE
    heard = range(1, min(len(levels), int(_HIGHEST_HZ / line_hz.max())) + 1)
    period = np.sum([levels[n - 1] * np.sin(n * turn) for n in heard], axis=0)
    phase = np.cumsum(line_hz, dtype=np.float64) / SAMPLE_RATE_HZ + rng.random()
    return saturate(period[(phase * _TABLE).astype(int) % _TABLE], uniform(rng, 0.5, 3))


def horn(rng: Rng, wave: Wave) -> Wave:
    """A horn is loudest at 600 to 2,500 Hz and gives nothing below its mouth's size."""
    peaks = [uniform(rng, 500, 1_000), uniform(rng, 1_000, 1_900), uniform(rng, 1_900, 3_600)]
    return full(formants(wave, peaks, uniform(rng, 250, 700))) + np.float32(
        uniform(rng, 0, 0.3)
    ) * full(wave)


def street(rng: Rng, wave: Wave) -> Wave:
    """Walls give it back after tenths of a second, air takes the high sounds, the wind the level;
    it comes or goes, and traffic lies under it.
    """
    heard = full(_passing(rng, wave))
    for _ in range(int(rng.integers(0, 7))):
        late = samples(log_uniform(rng, 0.02, 0.5))
        if late < len(heard):
            heard[late:] += heard[:-late] * np.float32(uniform(rng, 0.05, 0.5))
    spectrum = np.fft.rfft(heard)
    hz = np.fft.rfftfreq(len(heard), 1 / SAMPLE_RATE_HZ)
    spectrum *= 1 / (1 + (hz / log_uniform(rng, 1_200, 9_000)) ** int(rng.integers(1, 4)))
    heard = full(np.fft.irfft(spectrum, len(heard)).astype(np.float32))
    traffic = full(noise(rng, (len(heard) + 0.5) / SAMPLE_RATE_HZ, 0,
                         log_uniform(rng, 300, 4_000), uniform(rng, 0.5, 1.5)))  # fmt: skip
    heard += traffic[: len(heard)] * np.float32(log_uniform(rng, 0.003, 0.25))
    return gate(heard, uniform(rng, 0.01, 0.2))


def _passing(rng: Rng, wave: Wave) -> Wave:
    """A car at up to 25 m/s: pitch and level change as it comes, passes or leaves."""
    count = len(wave)
    moments = np.linspace(uniform(rng, -4, 1), uniform(rng, 1, 4), count)
    speed, beside = uniform(rng, 0, 25), log_uniform(rng, 5, 60)
    distance = np.sqrt(beside**2 + (speed * moments) ** 2)
    late = np.clip(np.arange(count) - (distance - distance[0]) / 340 * SAMPLE_RATE_HZ, 0, count - 1)
    gain = distance.min() / distance
    if rng.random() < 0.4:
        points = rng.uniform(0.4, 1, 8)
        gain = gain * np.interp(np.arange(count), np.linspace(0, count, 8), points)
    passing: Wave = (np.interp(late, np.arange(count), wave) * gain).astype(np.float32)
    return passing


def _heard(rng: Rng, line_hz: Wave) -> Wave:
    return street(rng, horn(rng, _sounded(rng, line_hz)))


def _bounds(rng: Rng) -> tuple[float, float]:
    low = uniform(rng, 350, 800)
    return low, low * uniform(rng, 1.7, 2.8)


def _wail(rng: Rng) -> Wave:
    """Ten to thirty sweeps a minute."""
    seconds = uniform(rng, 1.6, 4.5)
    return _heard(rng, _swept(rng, log_uniform(rng, 0.15, 0.6), *_bounds(rng), seconds))


def _yelp(rng: Rng) -> Wave:
    """Two to five sweeps a second, sometimes after a wail."""
    line = _swept(rng, log_uniform(rng, 1.8, 5), *_bounds(rng), uniform(rng, 1.2, 3))
    if rng.random() < 0.3:
        slow = _swept(rng, log_uniform(rng, 0.2, 0.6), *_bounds(rng), uniform(rng, 0.6, 1.5))
        line = np.concatenate((slow, line) if rng.random() < 0.6 else (line, slow))
    return _heard(rng, line)


def _phaser(rng: Rng) -> Wave:
    """Seven to sixteen sweeps a second."""
    return _heard(rng, _swept(rng, uniform(rng, 7, 16), *_bounds(rng), uniform(rng, 1.2, 3)))


def _two_tone(rng: Rng) -> Wave:
    low, high = _PAIRS_HZ[int(rng.integers(len(_PAIRS_HZ)))]
    tuned, each = uniform(rng, 0.92, 1.08), log_uniform(rng, 0.25, 1.1)
    where = (np.arange(samples(uniform(rng, 1.5, 4.5))) / SAMPLE_RATE_HZ / each + rng.random()) % 2
    line = np.where(where < 1, low, high).astype(np.float32) * np.float32(tuned)
    smooth = samples(log_uniform(rng, 0.002, 0.04))
    line = np.convolve(np.pad(line, smooth, "edge"), np.full(smooth, 1 / smooth), "same")
    return _heard(rng, line[smooth:-smooth].astype(np.float32))


def _rotor(rng: Rng) -> Wave:
    """A motor's siren runs up and winds down; a truck's air horn may sound into it."""
    top, seconds = log_uniform(rng, 450, 1_200), uniform(rng, 2.0, 4.5)
    down = uniform(rng, 0.4, 0.9)
    points = (top * uniform(rng, 0.3, 0.9), top, top * uniform(rng, 0.95, 1), top * down)
    if rng.random() < 0.4:
        points = points[::-1]
    line = glide(points, seconds)
    wave = horn(rng, _sounded(rng, line))
    if rng.random() < 0.35:
        horn_hz, horn_s = uniform(rng, 180, 420), uniform(rng, 0.4, 1.2)
        horns = [tone(rng, horn_hz * f, horn_s, timbre(rng, 14, 0.4)) for f in (1, 1.26)]
        at = int(rng.integers(max(1, len(wave) - len(horns[0]))))
        honk = gate(full(horns[0] + horns[1]), 0.03)[: len(wave) - at]
        wave[at : at + len(honk)] += honk * np.float32(uniform(rng, 0.5, 1.5))
    return street(rng, wave)


def _air_raid(rng: Rng) -> Wave:
    """Kept for tests: one slow rise and fall of a chopped-air siren."""
    top, seconds = uniform(rng, 450, 800), uniform(rng, 2.5, 4.0)
    line = glide((top * 0.4, top, top, top * 0.4), seconds)
    return gate(saturate(tone(rng, line, seconds, (1, 0.7, 0.5, 0.3, 0.3)), 2.0), 0.2)


SIRENS: tuple[Model, ...] = (_wail, _yelp, _phaser, _two_tone, _rotor, _air_raid)
