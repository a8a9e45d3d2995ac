from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.training.soundflow.telephone.codec import CodecMissing, LineCodec, opened
from interject.training.soundflow.telephone.line import SimulatedLine, through_line
from interject.training.soundflow.telephone.packet_loss import bursts, concealed

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave

quick = settings(max_examples=10, deadline=None)
MS = 16


def clicks(count: int = 32_000) -> Wave:
    """Short tones of 1 kHz, one every 250 ms."""
    wave = np.zeros(count, np.float32)
    burst = np.sin(2 * np.pi * 1_000 * np.arange(960) / 16_000) * np.hanning(960)
    for at in range(2_000, count - 1_000, 4_000):
        wave[at : at + 960] = 0.5 * burst
    return wave


def band_power(wave: Wave, low_hz: float, high_hz: float) -> float:
    hz = np.fft.rfftfreq(len(wave), 1 / 16_000)
    power = np.abs(np.fft.rfft(wave)) ** 2
    return float(power[(hz >= low_hz) & (hz < high_hz)].sum())


@pytest.mark.parametrize("codec", LineCodec)
def test_a_line_delays_nothing_and_keeps_the_length(codec: LineCodec) -> None:
    wave = clicks()
    out = through_line(wave, SimulatedLine(codec), np.random.default_rng(1))
    assert len(out) == len(wave)
    assert out.dtype == np.float32
    lags = range(-10 * MS, 10 * MS)
    likeness = [float(np.dot(wave, np.roll(out, -lag))) for lag in lags]
    assert abs(lags[int(np.argmax(likeness))]) <= MS
    assert 0.3 < np.std(out) / np.std(wave) < 1.2


@pytest.mark.parametrize("codec", LineCodec)
def test_a_line_carries_its_band_and_little_else(codec: LineCodec) -> None:
    noise = 0.1 * np.random.default_rng(2).standard_normal(32_000).astype(np.float32)
    out = through_line(noise, SimulatedLine(codec), np.random.default_rng(1))
    inside = band_power(out, 500, 3_000) / 2_500
    assert band_power(out, 20, 120) / 100 < 0.1 * inside
    assert band_power(out, 4_300, 8_000) / 3_700 < 0.01 * inside


@pytest.mark.parametrize("codec", LineCodec)
@pytest.mark.parametrize("count", [1, 159, 161, 7_000])
def test_a_line_carries_short_and_odd_sounds(codec: LineCodec, count: int) -> None:
    out = through_line(clicks(8_000)[:count], SimulatedLine(codec), np.random.default_rng(1))
    assert len(out) == count
    assert np.isfinite(out).all()


def test_the_same_generator_makes_the_same_line() -> None:
    line = SimulatedLine(LineCodec.AMR_NB, loss=0.1, burst_packets=2)
    first, second = (through_line(clicks(), line, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first, second)


@quick
@given(loss=st.floats(0.05, 0.3), burst=st.floats(1.0, 6.0), seed=st.integers(0, 1_000))
def test_losses_come_in_bursts_of_the_length_and_the_share_asked_for(
    loss: float, burst: float, seed: int
) -> None:
    lost = bursts(np.random.default_rng(seed), 200_000, loss=loss, burst_packets=burst)
    assert lost.mean() == pytest.approx(loss, rel=0.15)
    runs = np.flatnonzero(np.diff(lost, prepend=False, append=False))
    assert np.mean(runs[1::2] - runs[::2]) == pytest.approx(burst, rel=0.1)


def test_without_loss_nothing_is_lost() -> None:
    assert not bursts(np.random.default_rng(1), 1_000, loss=0.0, burst_packets=3).any()


def test_a_lost_packet_is_the_last_pitch_period_again_and_a_long_loss_falls_silent() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(8_000) / 8_000).astype(np.float32)
    packets = tone.reshape(50, 160).copy()
    lost = np.zeros(50, np.bool_)
    lost[20] = lost[30:36] = True
    packets[lost] = 0
    out = concealed(packets, lost, 8_000)
    assert np.std(out[20 * 160 : 20 * 160 + 80] - tone[20 * 160 : 20 * 160 + 80]) < 0.02
    assert np.std(out[21 * 160 : 22 * 160]) == pytest.approx(np.std(tone), rel=0.1)
    assert np.abs(out[33 * 160 : 36 * 160]).max() < 0.01
    kept = ~np.repeat(lost | np.roll(lost, 1), 160)
    assert np.array_equal(out[kept], tone[kept])


def test_what_is_lost_at_the_begin_is_silence() -> None:
    packets = np.full((3, 160), 0.5, np.float32)
    out = concealed(packets, np.array([True, False, False]), 8_000)
    assert not out[:160].any()


def test_a_codec_that_this_build_lacks_is_named() -> None:
    with pytest.raises(CodecMissing, match="no encoder no_such_codec: leave amr_nb out of"):
        opened("no_such_codec", LineCodec.AMR_NB)
