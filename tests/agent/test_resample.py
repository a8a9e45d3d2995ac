from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.agent.resample import Resampler


def tone(rate_hz: int, seconds: float = 0.5, hz: float = 440.0) -> np.ndarray[Any, Any]:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)).astype(
        np.float32
    )


def through(resampler: Resampler, *blocks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.concatenate([*(resampler.push(block) for block in blocks), resampler.finish()])


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000, 192_000])
def test_a_tone_keeps_pitch_level_and_length(rate_hz: int) -> None:
    out = through(Resampler(rate_hz), tone(rate_hz))
    assert abs(len(out) - 8_000) <= 2
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out))))
    assert abs(spectrum.argmax() * 16_000 / len(out) - 440) < 3
    assert np.abs(out[1_000:7_000]).max() == pytest.approx(16_384, rel=0.01)


def test_eight_channels_are_mixed() -> None:
    channels = np.zeros((4_800, 8), np.float32)
    channels[:, 3] = 0.8
    out = through(Resampler(48_000, 8), channels)
    assert out[800] == pytest.approx(0.1 * 32_768, abs=20)


def test_interleaved_and_integer_samples() -> None:
    stereo = np.tile(np.array([8_192, 16_384], np.int16), 100)
    assert set(through(Resampler(16_000, 2), stereo)) == {12_288}
    assert set(through(Resampler(16_000), np.full(50, 2**30, np.int32))) == {16_384}


def test_int16_at_16_khz_passes_untouched() -> None:
    sound = np.arange(-32_768, 32_768, 7).astype(np.int16)
    assert np.array_equal(through(Resampler(16_000), sound), sound)


def test_nan_and_infinity_become_silence_and_are_counted() -> None:
    block = np.array([0.5, np.nan, np.inf, -np.inf, 1e300, 0.5])
    resampler = Resampler(16_000)
    assert through(resampler, block).tolist() == [16_384, 0, 0, 0, 0, 16_384]
    assert resampler.report().nonfinite_samples == 4


def test_too_loud_is_clipped_and_counted() -> None:
    resampler = Resampler(16_000)
    out = through(resampler, np.array([2.0, -2.0, 1.0, 0.1], np.float32))
    assert out[:3].tolist() == [32_767, -32_768, 32_767]
    assert resampler.report().clipped_samples == 2


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 11_025), max_size=8))
def test_any_split_sounds_the_same(cuts: list[int]) -> None:
    sound = tone(44_100, 0.25)
    whole = through(Resampler(44_100), sound)
    parts = np.split(sound, sorted(cuts))
    split = through(Resampler(44_100), *parts)
    assert len(split) == len(whole)
    assert np.abs(split.astype(int) - whole).max() <= 1


@pytest.mark.parametrize(("rate_hz", "channels"), [(0, 1), (-8_000, 1), (10**7, 1), (16_000, 0)])
def test_impossible_formats_are_refused(rate_hz: int, channels: int) -> None:
    with pytest.raises(ValueError, match=r"Hz is outside|can be mixed"):
        Resampler(rate_hz, channels)


def test_wrong_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(10, 3\)"):
        Resampler(16_000, 2).push(np.zeros((10, 3), np.float32))
    with pytest.raises(ValueError, match="type uint8"):
        Resampler(16_000).push(np.zeros(10, np.uint8))
