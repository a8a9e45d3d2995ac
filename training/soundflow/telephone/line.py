"""A whole telephone line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soxr
from scipy.signal import butter, sosfiltfilt

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.soundflow.telephone.codec import (
    LINE_HZ,
    LineCodec,
    packets_of,
    through_codec,
)
from interject.training.soundflow.telephone.packet_loss import bursts, concealed

if TYPE_CHECKING:
    from interject.training.sounds.waves import Rng, Wave

BAND_ORDER = 4


@dataclass(frozen=True, slots=True)
class SimulatedLine:
    """`loss` is the share of packets, `burst_packets` the mean length of what is lost in one go."""

    codec: LineCodec
    low_hz: float = 300.0
    high_hz: float = 3_400.0
    loss: float = 0.0
    burst_packets: float = 1.0


def through_line(wave: Wave, line: SimulatedLine, rng: Rng) -> Wave:
    """As long as the sound given, and nothing in it later or earlier than a millisecond.

    :raises CodecMissing: when this PyAV cannot encode it.
    """
    narrow = in_band(np.asarray(soxr.resample(wave, SAMPLE_RATE_HZ, LINE_HZ, "HQ")), line)
    lost = bursts(rng, packets_of(narrow), loss=line.loss, burst_packets=line.burst_packets)
    coded = through_codec(narrow, line.codec, rng, lost)
    heard = concealed(coded.packets, coded.lost, coded.rate_hz)
    heard = heard[round(coded.delay_s * coded.rate_hz) :]
    wide = np.asarray(soxr.resample(heard, coded.rate_hz, SAMPLE_RATE_HZ, "HQ"), np.float32)
    out = np.zeros(len(wave), np.float32)
    kept = min(len(wave), len(wide))
    out[:kept] = wide[:kept]
    return out


def in_band(wave: Wave, line: SimulatedLine) -> Wave:
    """8 kHz. Forwards and backwards, so that the filter delays nothing."""
    sos = butter(BAND_ORDER // 2, (line.low_hz, line.high_hz), "bandpass", fs=LINE_HZ, output="sos")
    padding = min(3 * LINE_HZ // 100, max(0, len(wave) - 1))
    filtered: Wave = sosfiltfilt(sos, wave, padlen=padding).astype(np.float32)
    return filtered
