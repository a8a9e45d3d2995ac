"""Sounds that nano leaves alone."""

from __future__ import annotations

import numpy as np

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
    samples,
    sequence,
    timbre,
    tone,
    uniform,
)


def _old_telephone(rng: Rng) -> Wave:
    modes = [uniform(rng, 900, 1_600), uniform(rng, 1_800, 2_600), uniform(rng, 3_000, 4_500)]
    strike = 1 / uniform(rng, 18, 28)
    return repeat(
        lambda: ring(rng, strike, modes, 0.08), int(uniform(rng, 0.7, 1.6) / strike), lambda: 0.0
    )


def _electronic_telephone(rng: Rng) -> Wave:
    low, high = uniform(rng, 600, 1_000), uniform(rng, 1_100, 1_600)
    each, levels = uniform(rng, 0.025, 0.06), timbre(rng, 4)
    pair = np.concatenate([tone(rng, hz, each, levels) for hz in (low, high)])
    return gate(np.tile(pair, int(uniform(rng, 0.6, 1.5) / each / 2)))


def _ringback(rng: Rng) -> Wave:
    seconds = uniform(rng, 0.8, 1.8)
    return gate(
        tone(rng, uniform(rng, 400, 450), seconds) + tone(rng, uniform(rng, 460, 490), seconds)
    )


def _melody(rng: Rng) -> Wave:
    base, levels, each = uniform(rng, 500, 1_200), timbre(rng, 3), uniform(rng, 0.09, 0.2)
    steps = rng.choice([0, 2, 4, 5, 7, 9, 12], int(rng.integers(5, 11)))
    return np.concatenate([gate(tone(rng, base * 2 ** (s / 12), each, levels)) for s in steps])


def _microwave(rng: Rng) -> Wave:
    hz, on, off = uniform(rng, 1_700, 2_400), uniform(rng, 0.5, 0.9), uniform(rng, 0.5, 0.9)
    return repeat(lambda: gate(tone(rng, hz, on)), int(rng.integers(2, 4)), lambda: off)


def _oven(rng: Rng) -> Wave:
    hz, on, off = uniform(rng, 900, 2_000), uniform(rng, 0.12, 0.25), uniform(rng, 0.12, 0.25)
    return repeat(lambda: gate(tone(rng, hz, on, timbre(rng, 3))), 4, lambda: off)


def _kettle(rng: Rng) -> Wave:
    seconds = uniform(rng, 1.5, 3.0)
    top = uniform(rng, 1_400, 3_000)
    whistle = tone(rng, glide((top * 0.7, top, top * 1.02), seconds), seconds, (1.0, 0.2))
    return gate(whistle + uniform(rng, 0.3, 1.0) * noise(rng, seconds, 800, 6_000), 0.2)


def _boiling(rng: Rng) -> Wave:
    seconds = uniform(rng, 1.5, 3.0)
    bubbles: list[tuple[float, Wave]] = [(0.0, 0.5 * noise(rng, seconds, 100, 1_500))]
    for _ in range(int(seconds * 18)):
        hz = uniform(rng, 250, 800)
        bubble = tone(rng, glide((hz, hz * 1.5), 0.05), 0.05) * decay(0.05, 0.02)
        bubbles.append((uniform(rng, 0, seconds - 0.1), 0.5 * bubble))
    return gate(sequence(bubbles), 0.2)


def _one_clap(rng: Rng) -> Wave:
    centre = uniform(rng, 700, 2_000)
    hit = noise(rng, 0.12, centre * 0.5, centre * 3) * decay(0.12, uniform(rng, 0.008, 0.03))
    return full(hit)


def _claps(rng: Rng) -> Wave:
    return repeat(lambda: _one_clap(rng), int(rng.integers(2, 8)), lambda: uniform(rng, 0.08, 0.3))


def _applause(rng: Rng) -> Wave:
    seconds = uniform(rng, 1.2, 3.0)
    hits = [(uniform(rng, 0, seconds), _one_clap(rng)) for _ in range(int(seconds * 40))]
    return gate(sequence(hits), 0.2)


def _laugh(rng: Rng, base_hz: float, rate_s: float, count: int) -> Wave:
    centres = (uniform(rng, 600, 900), uniform(rng, 1_100, 1_700), 2_700)

    def ha() -> Wave:
        line = glide((base_hz * uniform(rng, 1.0, 1.3), base_hz), rate_s * 0.55)
        voice = tone(rng, line, rate_s * 0.55, timbre(rng, 10, 0.8))
        breath = 0.25 * noise(rng, rate_s * 0.35, 800, 5_000)
        return np.concatenate((gate(breath, 0.01), gate(formants(voice, centres), 0.02)))

    return repeat(ha, count, lambda: 0.02)


def _chuckle(rng: Rng) -> Wave:
    return _laugh(rng, uniform(rng, 100, 200), uniform(rng, 0.14, 0.22), int(rng.integers(4, 9)))


def _giggle(rng: Rng) -> Wave:
    return _laugh(rng, uniform(rng, 230, 450), uniform(rng, 0.11, 0.19), int(rng.integers(5, 11)))


def _keyboard(rng: Rng) -> Wave:
    def key() -> Wave:
        hit = noise(rng, 0.04, uniform(rng, 800, 2_500), 7_000) * decay(0.04, 0.005)
        return full(hit) * np.float32(uniform(rng, 0.4, 1))

    return repeat(key, int(rng.integers(8, 25)), lambda: float(rng.exponential(0.07)) + 0.03)


def _typewriter(rng: Rng) -> Wave:
    def key() -> Wave:
        return ring(rng, 0.06, [uniform(rng, 700, 4_000) for _ in range(5)], 0.01)

    return repeat(key, int(rng.integers(6, 16)), lambda: float(rng.exponential(0.06)) + 0.06)


def _motor(rng: Rng) -> Wave:
    seconds = uniform(rng, 1.5, 4.0)
    base = uniform(rng, 30, 90)
    line = glide([base * uniform(rng, 0.9, 1.5) for _ in range(4)], seconds)
    return gate(tone(rng, line, seconds, timbre(rng, 25, 0.6)) + noise(rng, seconds, 0, 1_200), 0.2)


def _passing_car(rng: Rng) -> Wave:
    seconds = uniform(rng, 2.0, 4.0)
    swell = np.hanning(samples(seconds)).astype(np.float32)
    hum = tone(rng, glide((uniform(rng, 90, 140), 75), seconds), seconds, timbre(rng, 12, 0.6))
    return swell * (noise(rng, seconds, 60, uniform(rng, 900, 2_500), 0.7) * 8 + 0.3 * hum)


def _rain(rng: Rng) -> Wave:
    seconds = uniform(rng, 1.5, 4.0)
    out = noise(rng, seconds, uniform(rng, 200, 1_500), 8_000, uniform(rng, 0, 1))
    out /= np.abs(out).max()
    drops = int(seconds * uniform(rng, 5, 40))
    for start in rng.integers(0, max(1, len(out) - 400), drops):
        out[start : start + 320] += 0.6 * noise(rng, 0.02, 1_500) * decay(0.02, 0.003)
    return gate(out, 0.3)


def _stream_water(rng: Rng) -> Wave:
    seconds = uniform(rng, 1.5, 3.5)
    parts: list[tuple[float, Wave]] = [(0.0, noise(rng, seconds, 400, 5_000))]
    for _ in range(int(seconds * 30)):
        hz = log_uniform(rng, 400, 2_200)
        drop = tone(rng, glide((hz, hz * 1.3), 0.04), 0.04) * decay(0.04, 0.015)
        parts.append((uniform(rng, 0, seconds - 0.06), drop))
    return gate(sequence(parts), 0.2)


def _pouring(rng: Rng) -> Wave:
    seconds = uniform(rng, 1.2, 2.5)
    line = glide((uniform(rng, 300, 500), uniform(rng, 900, 1_500)), seconds)
    hum = tone(rng, line, seconds) * np.abs(noise(rng, seconds, 0, 40))
    return gate(hum / (np.abs(hum).max() + 1e-6) + 0.4 * noise(rng, seconds, 500, 6_000), 0.1)


def _birds(rng: Rng) -> Wave:
    def chirp() -> Wave:
        low, high, each = (
            uniform(rng, 2_000, 4_000),
            uniform(rng, 3_500, 6_500),
            uniform(rng, 0.04, 0.16),
        )
        points = (low, high) if rng.random() < 0.5 else (high, low, high)
        return gate(tone(rng, glide(points, each), each), 0.01)

    return repeat(chirp, int(rng.integers(4, 12)), lambda: uniform(rng, 0.02, 0.2))


def _cuckoo(rng: Rng) -> Wave:
    hz = uniform(rng, 550, 800)
    call = [gate(tone(rng, hz, 0.18, (1, 0.2)), 0.04), np.zeros(samples(0.12), np.float32),
            gate(tone(rng, hz * 0.8, 0.3, (1, 0.2)), 0.05)]  # fmt: skip
    return np.concatenate(call * int(rng.integers(1, 3)))


def _footsteps(rng: Rng) -> Wave:
    """Soft soles or hard heels, at an even pace."""
    low, fall = uniform(rng, 80, 400), uniform(rng, 0.015, 0.04)
    heel = [log_uniform(rng, 300, 3_000) for _ in range(4)] if rng.random() < 0.5 else None
    pace_s = uniform(rng, 0.12, 0.5)

    def step() -> Wave:
        hit = full(noise(rng, 0.15, 30, low * 3) * decay(0.15, fall))
        if heel:
            hit = full(0.5 * hit + full(ring(rng, 0.15, heel, 0.015))[: len(hit)])
        return hit * np.float32(uniform(rng, 0.6, 1))

    return repeat(step, int(rng.integers(3, 8)), lambda: pace_s * uniform(rng, 0.85, 1.2))


def _gravel(rng: Rng) -> Wave:
    def step() -> Wave:
        seconds = uniform(rng, 0.15, 0.3)
        grains = rng.random(samples(seconds)) < 0.02
        return gate((grains * noise(rng, seconds, 1_000, 7_000)).astype(np.float32), 0.04)

    return repeat(step, int(rng.integers(3, 7)), lambda: uniform(rng, 0.2, 0.4))


def _doorbell(rng: Rng) -> Wave:
    high = uniform(rng, 550, 900)
    low = high * uniform(rng, 0.75, 0.85)
    notes = [ring(rng, 0.9, [hz, hz * 2, hz * 3.01, hz * 5.1], 0.4) for hz in (high, low)]
    return sequence([(0.0, notes[0]), (uniform(rng, 0.35, 0.6), notes[1])])


def _buzzer(rng: Rng) -> Wave:
    return gate(tone(rng, uniform(rng, 90, 180), uniform(rng, 0.5, 1.2), timbre(rng, 25, 0.4)))


def _chords(rng: Rng) -> Wave:
    root, each, levels = uniform(rng, 110, 260), uniform(rng, 0.3, 0.6), timbre(rng, 6)
    bars = []
    for shift in rng.choice([0, 5, 7, 9], int(rng.integers(4, 7))):
        notes = [tone(rng, root * 2 ** ((shift + n) / 12), each, levels) for n in (0, 4, 7)]
        bars.append(gate(np.sum(notes, axis=0) * decay(each, each * 0.8, 0.01)))
    return np.concatenate(bars)


def _drums(rng: Rng) -> Wave:
    beat = uniform(rng, 0.18, 0.3)
    parts: list[tuple[float, Wave]] = []
    for number in range(int(rng.integers(8, 14))):
        kick = tone(rng, glide((150, 50), 0.2), 0.2) * decay(0.2, 0.06)
        hat = 0.4 * noise(rng, 0.08, 4_000) * decay(0.08, 0.02)
        snare = noise(rng, 0.15, 300, 6_000) * decay(0.15, 0.05)
        parts.append(
            (number * beat, kick if number % 4 == 0 else snare if number % 4 == 2 else hat)
        )
    return sequence(parts)


def _drill(rng: Rng) -> Wave:
    seconds, base = uniform(rng, 1.2, 3.0), uniform(rng, 120, 320)
    line = glide((base * 0.5, base, base * uniform(rng, 0.9, 1.1), base, base * 0.6), seconds)
    return gate(
        tone(rng, line, seconds, timbre(rng, 20, 0.3)) + 0.6 * noise(rng, seconds, 1_000), 0.05
    )


def _saw(rng: Rng) -> Wave:
    def stroke() -> Wave:
        seconds = uniform(rng, 0.25, 0.45)
        return noise(rng, seconds, 1_200, 6_000) * np.hanning(samples(seconds)).astype(np.float32)

    return repeat(stroke, int(rng.integers(3, 7)), lambda: uniform(rng, 0.02, 0.1))


ORDINARY: dict[str, tuple[Model, ...]] = {
    "telephone": (_old_telephone, _electronic_telephone, _ringback, _melody),
    "microwave": (_microwave, _oven),
    "kettle": (_kettle, _boiling),
    "clap": (_claps, _applause),
    "laugh": (_chuckle, _giggle),
    "keyboard": (_keyboard, _typewriter),
    "engine": (_motor, _passing_car),
    "rain": (_rain,),
    "birds": (_birds, _cuckoo),
    "footsteps": (_footsteps, _gravel),
    "doorbell": (_doorbell, _buzzer),
    "music": (_chords, _drums),
    "water": (_stream_water, _pouring),
    "drill": (_drill, _saw),
}
