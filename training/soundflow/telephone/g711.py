"""ITU-T G.711 as two tables, and a line that needs no codec library: many streams a second."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.fft import irfft, rfft, rfftfreq

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.soundflow.telephone.packet_loss import bursts, concealed
from interject.training.sounds.waves import uniform

if TYPE_CHECKING:
    from interject.training.sounds.waves import Rng, Wave

Samples = np.ndarray[Any, np.dtype[np.int64]]
LINE_HZ = 8_000
PACKET_SAMPLES = 160
"""20 ms."""
_FULL_SCALE = 32_768
_WIDE_PACKET = PACKET_SAMPLES * SAMPLE_RATE_HZ // LINE_HZ
_LOSSY_SHARE, _LOSS, _BURST_PACKETS = 0.5, (0.005, 0.08), (1.0, 4.0)
_LOW_HZ, _HIGH_HZ = (150.0, 350.0), (3_200.0, 3_700.0)


@dataclass(frozen=True, slots=True)
class G711Line:
    """`a_law` is Europe's; mu-law is that of America and Japan. `loss` is the share of packets."""

    a_law: bool
    low_hz: float
    high_hz: float
    loss: float = 0.0
    burst_packets: float = 1.0


def random_line(rng: Rng) -> G711Line:
    """Half of them lose packets, up to 8 %."""
    lossy = rng.random() < _LOSSY_SHARE
    return G711Line(
        bool(rng.random() < 0.5),
        uniform(rng, *_LOW_HZ),
        uniform(rng, *_HIGH_HZ),
        uniform(rng, *_LOSS) if lossy else 0.0,
        uniform(rng, *_BURST_PACKETS),
    )


def through_g711_line(wave: Wave, line: G711Line, rng: Rng) -> Wave:
    """16 kHz in and out; nothing in it is later or earlier than before."""
    size = -(-len(wave) // _WIDE_PACKET) * _WIDE_PACKET
    spectrum = rfft(wave, size)
    hz = rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    gain = 1 / (1 + (hz / line.high_hz) ** 24) * (1 - 1 / (1 + (hz / line.low_hz) ** 8))
    narrow = irfft((spectrum * gain.astype(np.float32))[: size // 4 + 1], size // 2) / 2
    packets = coded(narrow, a_law=line.a_law).reshape(-1, PACKET_SAMPLES)
    lost = bursts(rng, len(packets), loss=line.loss, burst_packets=line.burst_packets)
    heard = concealed(np.where(lost[:, None], np.float32(0), packets), lost, LINE_HZ)
    wide: Wave = irfft(rfft(heard) * 2, size)[: len(wave)].astype(np.float32)
    return np.clip(wide, -1.0, 1.0)


def coded(wave: Wave, *, a_law: bool) -> Wave:
    """What a decoder makes of the encoder's bytes."""
    pcm = np.clip(np.rint(wave * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int32)
    heard: Wave = _table(a_law)[pcm + _FULL_SCALE].astype(np.float32) / np.float32(_FULL_SCALE)
    return heard


@cache
def _table(a_law: bool) -> Samples:
    """For every 16-bit sample from the lowest on."""
    sample = np.arange(-_FULL_SCALE, _FULL_SCALE)
    decoded = (_a_law if a_law else _mu_law)(np.abs(sample + (a_law & (sample < 0))))
    return np.where(sample < 0, -decoded, decoded)


def _mu_law(level: Samples) -> Samples:
    """Eight segments of 16 steps, each segment's twice as high; shifted by 33 of 14 bits."""
    biased = np.minimum(level, 32_635) + 132
    segment = np.floor(np.log2(biased)).astype(np.int64) - 7
    decoded: Samples = ((((biased >> (segment + 3)) & 15) << 3) + 132 << segment) - 132
    return decoded


def _a_law(level: Samples) -> Samples:
    """As mu-law, without the shift: the two lowest segments have steps of one height."""
    coarse = level >> 4
    doubled = np.maximum(np.floor(np.log2(np.maximum(coarse, 1))).astype(np.int64) - 4, 0)
    decoded: Samples = ((coarse >> doubled) << (doubled + 4)) + (8 << doubled)
    return decoded
