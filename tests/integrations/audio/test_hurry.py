from __future__ import annotations

import numpy as np
import pytest

from interject.integrations.audio.hurry import hurried
from interject.model_runtime.protocol import SAMPLE_RATE_HZ


@pytest.mark.parametrize("pitch_hz", [110.0, 160.0, 250.0])
def test_whole_periods_are_left_out_and_nothing_is_heard_of_it(pitch_hz: float) -> None:
    at = np.arange(640) / SAMPLE_RATE_HZ
    sound = 8_000 * np.sin(2 * np.pi * pitch_hz * at)
    found = hurried(sound.astype(np.int16)).astype(float)
    gone = len(sound) - len(found)
    periods = gone * pitch_hz / SAMPLE_RATE_HZ
    assert periods == pytest.approx(round(periods), abs=0.02)
    assert 40 <= gone <= 160
    assert np.abs(found - sound[: len(found)]).max() < 400


def test_what_is_too_short_stays() -> None:
    sound = np.ones(279, np.int16)
    assert hurried(sound) is sound


def test_silence_and_full_scale_are_no_trouble() -> None:
    assert not hurried(np.zeros(320, np.int16)).any()
    assert hurried(np.full(320, -32_768, np.int16)).min() == -32_768
