"""What a room and a channel do to sound: echoes, colour, noise, narrow bands, clipping."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.sounds.waves import Rng, Wave, log_uniform, uniform

_COLOUR_POINTS_HZ = np.geomspace(60, 8_000, 9)


def decibels(value: float) -> np.float32:
    return np.float32(10 ** (value / 20))


def impulse_response(rng: Rng) -> Wave:
    """A direct path, some early echoes, and noise that dies away in 0.1 to 0.7 s."""
    seconds = log_uniform(rng, 0.1, 0.7)
    count = int(seconds * SAMPLE_RATE_HZ * 0.7)
    t = np.arange(count) / SAMPLE_RATE_HZ
    tail = (
        rng.standard_normal(count) * np.exp(-6.9 * t / seconds) * (t > uniform(rng, 0.002, 0.015))
    )
    tail = np.convolve(tail, np.ones(int(rng.integers(1, 6))), "same")
    for _ in range(int(rng.integers(2, 9))):
        tail[int(uniform(rng, 0.001, 0.03) * SAMPLE_RATE_HZ)] += uniform(rng, -3, 3)
    tail *= decibels(uniform(rng, -18, 2)) / (np.sqrt(np.sum(tail**2)) + 1e-9)
    tail[0] += 1.0
    response: Wave = tail.astype(np.float32)
    return response


def colour_and_place(wave: Wave, room: Wave | None, rng: Rng, *, strength_db: float = 8.0) -> Wave:
    """Put a sound in a room and bend its spectrum; one transform does both."""
    length = len(wave) + (len(room) if room is not None else 1) - 1
    size = next_fast_len(length, real=True)
    spectrum = rfft(wave, size)
    if room is not None:
        spectrum *= rfft(room, size)
    hz = rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    bend = rng.normal(0, strength_db / 2, len(_COLOUR_POINTS_HZ))
    tilt = np.linspace(-1, 1, len(bend)) * uniform(rng, -strength_db, strength_db)
    gain = 10 ** (np.interp(hz, _COLOUR_POINTS_HZ, bend + tilt) / 20)
    out: Wave = irfft(spectrum * gain.astype(np.float32), size)[:length].astype(np.float32)
    return out


def stretch(wave: Wave, factor: float) -> Wave:
    """Play faster (factor > 1): shorter, higher, and with a shorter vocal tract."""
    where = np.arange(int(len(wave) / factor)) * factor
    played: Wave = np.interp(where, np.arange(len(wave)), wave).astype(np.float32)
    return played


def background(rng: Rng, count: int) -> Wave:
    """Coloured noise of RMS 1, its level drifting slowly; sometimes with holes of digital zero."""
    size = next_fast_len(count, real=True)
    hz = rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    shape = np.maximum(hz, 30.0) ** (-uniform(rng, 0, 2) / 2)
    if rng.random() < 0.4:
        shape *= 1 / (1 + (hz / log_uniform(rng, 600, 7_000)) ** 4)
    spectrum = rfft(rng.standard_normal(size).astype(np.float32)) * shape
    if rng.random() < 0.25:
        hum = 50 if rng.random() < 0.5 else 60
        for harmonic in range(1, 6):
            spectrum[int(hum * harmonic * size / SAMPLE_RATE_HZ)] += (
                size * shape[0] * uniform(rng, 0, 0.02)
            )
    wave = irfft(spectrum, size)[:count].astype(np.float32)
    drift = rng.normal(0, uniform(rng, 0, 4), 12)
    wave *= decibels(1.0) ** np.interp(np.arange(count), np.linspace(0, count, 12), drift)
    wave /= np.sqrt(np.mean(wave**2)) + 1e-9
    if rng.random() < 0.15:
        for start in rng.integers(0, count, 4):
            wave[start : start + int(uniform(rng, 0.5, 3) * SAMPLE_RATE_HZ)] = 0
    noise: Wave = wave.astype(np.float32)
    return noise


def channel(wave: Wave, rng: Rng) -> Wave:
    """A telephone's band, a codec's steps, an overdriven input: each seldom."""
    choice = rng.random()
    if choice < 0.12:
        spectrum = rfft(wave)
        hz = rfftfreq(len(wave), 1 / SAMPLE_RATE_HZ)
        low, high = uniform(rng, 150, 350), uniform(rng, 3_200, 3_900)
        gain = 1 / (1 + (hz / high) ** 24) * (1 - 1 / (1 + (hz / low) ** 8))
        wave = irfft(spectrum * gain.astype(np.float32), len(wave)).astype(np.float32)
    if choice < 0.06:
        code = np.sign(wave) * np.log1p(255 * np.abs(np.clip(wave, -1, 1))) / np.log(256)
        code = np.round(code * 127) / 127
        wave = (np.sign(code) * (256 ** np.abs(code) - 1) / 255).astype(np.float32)
    if 0.12 <= choice < 0.17:
        wave = (np.tanh(wave * uniform(rng, 1.5, 4)) * 0.5).astype(np.float32)
    return np.clip(wave, -1.0, 1.0)


def as_recorded(wave: Wave, rng: Rng) -> Wave:
    """What files of sounds have been through: a microphone's noise while a sound lasts, a limiter,
    a band that ends below 8 kHz. Each often, and the peak stays.
    """
    peak = float(np.abs(wave).max()) or 1.0
    out = wave / np.float32(peak)
    if rng.random() < 0.5:
        hiss = rng.standard_normal(len(out)).astype(np.float32)
        out = out + hiss * decibels(-uniform(rng, 34, 62))
    if rng.random() < 0.4:
        drive = log_uniform(rng, 1, 8)
        out = np.tanh(out * np.float32(drive))
    if rng.random() < 0.35:
        spectrum = rfft(out)
        hz = rfftfreq(len(out), 1 / SAMPLE_RATE_HZ)
        spectrum *= (1 / (1 + (hz / log_uniform(rng, 3_000, 7_500)) ** 16)).astype(np.float32)
        out = irfft(spectrum, len(out))
    recorded: Wave = (out * np.float32(peak / (np.abs(out).max() + 1e-9))).astype(np.float32)
    return recorded
