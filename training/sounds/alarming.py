"""Sounds that nano speaks up about."""

from __future__ import annotations

import numpy as np

from interject.training.sounds.coughs import COUGHS
from interject.training.sounds.glass import GLASS, splinters
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
    ring,
    saturate,
    sequence,
    timbre,
    tone,
    uniform,
)


def _three_pulses(rng: Rng) -> Wave:
    """The temporal-three pattern of ISO 8201: three pulses of half a second."""
    hz, on, off = uniform(rng, 2_600, 3_600), uniform(rng, 0.35, 0.6), uniform(rng, 0.25, 0.55)
    levels = timbre(rng, int(rng.integers(1, 4)), 1.5)
    return repeat(lambda: gate(tone(rng, hz, on, levels)), 3, lambda: off)


def _fast_pulses(rng: Rng) -> Wave:
    hz, on, off = uniform(rng, 2_400, 4_200), uniform(rng, 0.06, 0.14), uniform(rng, 0.05, 0.12)
    levels = timbre(rng, int(rng.integers(1, 3)), 1.5)
    return repeat(lambda: gate(tone(rng, hz, on, levels)), int(rng.integers(9, 18)), lambda: off)


def _low_square_pulses(rng: Rng) -> Wave:
    """The 520 Hz square wave of bedroom alarms."""
    hz, on, off = uniform(rng, 440, 620), uniform(rng, 0.4, 0.6), uniform(rng, 0.3, 0.5)
    levels = [1, 0, 1 / 3, 0, 1 / 5, 0, 1 / 7]
    return repeat(lambda: gate(tone(rng, hz, on, levels)), 3, lambda: off)


def _swept_pulses(rng: Rng) -> Wave:
    """Sounders that sweep upwards quickly, over and over."""
    low, high, each = uniform(rng, 1_500, 2_400), uniform(rng, 2_700, 3_600), uniform(rng, 0.1, 0.3)
    levels = timbre(rng, 3, 1.2)
    return repeat(
        lambda: gate(tone(rng, glide((low, high), each), each, levels)),
        int(uniform(rng, 1.4, 2.8) / each), lambda: 0.005,
    )  # fmt: skip


def _warbling_horn(rng: Rng) -> Wave:
    """Kept for tests: two high tones that change four to eight times a second, clipped."""
    first, second = uniform(rng, 2_500, 2_900), uniform(rng, 3_000, 3_500)
    each = uniform(rng, 0.06, 0.12)
    pair = [gate(tone(rng, hz, each, (1.0, 0.4))) for hz in (first, second)]
    return saturate(np.concatenate(pair * int(uniform(rng, 1.4, 2.4) / each / 2)), 2.5)


def _wail(rng: Rng) -> Wave:
    low, high = uniform(rng, 350, 700), uniform(rng, 1_000, 1_700)
    seconds = uniform(rng, 1.8, 4.0)
    points = [low, high] * int(rng.integers(1, 3)) + [low]
    return gate(tone(rng, glide(points, seconds), seconds, timbre(rng, 6)), 0.05)


def _yelp(rng: Rng) -> Wave:
    low, high, each = uniform(rng, 500, 800), uniform(rng, 1_100, 1_700), uniform(rng, 0.18, 0.4)
    levels = timbre(rng, 6)
    return repeat(lambda: tone(rng, glide((low, high, low), each), each, levels),
                  int(uniform(rng, 1.6, 3.5) / each), lambda: 0.0)  # fmt: skip


def _two_tone(rng: Rng) -> Wave:
    low = uniform(rng, 380, 600)
    high, each = low * uniform(rng, 1.2, 1.5), uniform(rng, 0.3, 0.7)
    levels = timbre(rng, 8, 0.8)
    pair = [gate(tone(rng, hz, each, levels)) for hz in (low, high)]
    return np.concatenate(pair * int(rng.integers(2, 4)))


def _air_raid(rng: Rng) -> Wave:
    """Kept for tests: one slow rise and fall of a chopped-air siren."""
    top, seconds = uniform(rng, 450, 800), uniform(rng, 2.5, 4.0)
    line = glide((top * 0.4, top, top, top * 0.4), seconds)
    return gate(saturate(tone(rng, line, seconds, (1, 0.7, 0.5, 0.3, 0.3)), 2.0), 0.2)


def _car_crash(rng: Rng) -> Wave:
    skid = 0.3 * tone(rng, glide((uniform(rng, 900, 1_300), 700), 0.4), 0.4, timbre(rng, 5))
    boom = noise(rng, 0.9, 0, 2_500, 1.0) * decay(0.9, uniform(rng, 0.1, 0.3))
    boom /= np.abs(boom).max()
    metal = [log_uniform(rng, 200, 4_000) for _ in range(12)]
    return sequence(
        [(0.0, gate(skid)), (0.35, 2 * boom), (0.36, 0.3 * ring(rng, 0.8, metal, 0.2)),
         (0.4, 0.4 * splinters(rng, 15, 0.15, 0.03))]
    )  # fmt: skip


def _collapse(rng: Rng) -> Wave:
    parts: list[tuple[float, Wave]] = []
    for _ in range(int(rng.integers(4, 10))):
        hit = noise(rng, 0.4, 0, log_uniform(rng, 500, 4_000), 1.0) * decay(
            0.4, uniform(rng, 0.04, 0.12)
        )
        at = float(rng.exponential(0.25))
        parts.append((min(at, 1.2), full(hit) * np.float32(uniform(rng, 0.3, 1))))
    return sequence(parts)


def _dishes(rng: Rng) -> Wave:
    parts: list[tuple[float, Wave]] = []
    for _ in range(int(rng.integers(8, 20))):
        modes = [log_uniform(rng, 500, 5_000) for _ in range(6)]
        level = np.float32(uniform(rng, 0.2, 1))
        parts.append((min(float(rng.exponential(0.2)), 1.0), level * ring(rng, 0.4, modes, 0.06)))
    return sequence([*parts, (0.0, 3 * noise(rng, 0.3, 200, 5_000) * decay(0.3, 0.06))])


def _shelf_falls(rng: Rng) -> Wave:
    """Kept for tests: metal and wood, a rumble under it."""
    body = sequence([(0.0, _collapse(rng)), (0.2, 0.5 * _dishes(rng))])
    rumble = noise(rng, 1.0, 0, 200) * decay(1.0, 0.4)
    return sequence([(0.0, body), (0.05, rumble)])


def _sob(rng: Rng, base_hz: float, centres: tuple[float, ...], seconds: float) -> Wave:
    line = glide(
        (base_hz, base_hz * uniform(rng, 1.1, 1.4), base_hz * uniform(rng, 0.7, 0.95)), seconds
    )
    wobble = 1 + 0.04 * np.sin(2 * np.pi * uniform(rng, 5, 9) * np.arange(len(line)) / 16_000)
    voice = tone(rng, (line * wobble).astype(np.float32), seconds, timbre(rng, 12, 0.7))
    return gate(formants(voice + 0.1 * noise(rng, seconds)[: len(voice)], centres), 0.06)


def _baby(rng: Rng) -> Wave:
    base = uniform(rng, 350, 550)
    centres = (uniform(rng, 900, 1_300), uniform(rng, 1_700, 2_400), uniform(rng, 3_200, 4_200))
    return repeat(lambda: _sob(rng, base * uniform(rng, 0.9, 1.1), centres, uniform(rng, 0.5, 1.0)),
                  int(rng.integers(2, 4)), lambda: uniform(rng, 0.12, 0.25))  # fmt: skip


def _adult(rng: Rng) -> Wave:
    base = uniform(rng, 180, 340)
    centres = (uniform(rng, 500, 800), uniform(rng, 1_000, 1_600), uniform(rng, 2_400, 3_000))

    def one() -> Wave:
        return _sob(rng, base * uniform(rng, 0.85, 1.1), centres, uniform(rng, 0.25, 0.6))

    return repeat(one,
                  int(rng.integers(3, 6)), lambda: uniform(rng, 0.08, 0.2))  # fmt: skip


def _child(rng: Rng) -> Wave:
    """Long wails, each with a sniff before it."""
    base = uniform(rng, 280, 480)
    centres = (uniform(rng, 600, 1_000), uniform(rng, 1_300, 1_900), uniform(rng, 2_700, 3_400))
    parts: list[Wave] = []
    for _ in range(int(rng.integers(2, 4))):
        sniff = noise(rng, uniform(rng, 0.1, 0.2), 1_000, 6_000)
        wail = _sob(rng, base * uniform(rng, 0.9, 1.15), centres, uniform(rng, 0.35, 0.9))
        parts += [0.2 * gate(full(sniff), 0.04), full(wail)]
    return np.concatenate(parts)


def _whimper(rng: Rng) -> Wave:
    """Kept for tests: short, high, falling, with breath between."""
    base = uniform(rng, 300, 480)
    breath = 0.15 * gate(noise(rng, 0.15, 800, 5_000), 0.04)
    parts: list[Wave] = []
    for _ in range(int(rng.integers(3, 6))):
        parts += [_sob(rng, base, (700, 1_500, 3_000), uniform(rng, 0.2, 0.4)), breath]
    return np.concatenate(parts)


ALARMING: dict[str, tuple[Model, ...]] = {
    "smoke_alarm": (_three_pulses, _fast_pulses, _low_square_pulses, _swept_pulses, _warbling_horn),
    "glass": GLASS,
    "siren": (_wail, _yelp, _two_tone, _air_raid),
    "crash": (_car_crash, _collapse, _dishes, _shelf_falls),
    "crying": (_baby, _adult, _child, _whimper),
    "cough": COUGHS,
}
