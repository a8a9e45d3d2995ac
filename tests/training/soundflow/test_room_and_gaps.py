from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.training.soundflow.composer_settings import NoiseSettings
from interject.training.soundflow.crossfade import tiled
from interject.training.soundflow.gap_texture import GapTexture, speaking
from interject.training.soundflow.levels import (
    active_samples,
    audible,
    decibels_of,
    power,
    within_scale,
)
from interject.training.soundflow.simulated_room import SimulatedRoom, in_room
from interject.training.soundflow.stream_noise import in_gaps

quick = settings(max_examples=30, deadline=None)
seeds = st.integers(0, 2**32 - 1)


@quick
@given(seed=seeds, seconds=st.floats(0.1, 0.8))
def test_a_room_begins_with_the_direct_sound_and_dies_away_in_its_time(
    seed: int, seconds: float
) -> None:
    rng = np.random.default_rng(seed)
    room = SimulatedRoom.random(rng, (seconds, seconds))
    response = room.response(rng)
    assert response[0] == 1.0
    assert len(response) == round(seconds * 16_000)
    assert np.isfinite(response).all()
    left = np.cumsum(response[::-1] ** 2)[::-1]
    assert decibels_of(float(left[len(left) * 9 // 10])) - decibels_of(float(left[0])) < -20
    assert len(in_room(np.ones(100, np.float32), response)) == 99 + len(response)


@quick
@given(
    lengths=st.lists(st.integers(2, 4_000), min_size=1, max_size=5),
    count=st.integers(0, 20_000), fade=st.integers(1, 800), offset=st.integers(0, 5_000),
)  # fmt: skip
def test_tiled_sound_has_no_hole_and_no_sum_that_is_too_loud(
    lengths: list[int], count: int, fade: int, offset: int
) -> None:
    waves = [np.ones(length, np.float32) for length in lengths]
    made = tiled(waves, count, fade, offset=offset)
    assert len(made.wave) == count
    if count:
        assert made.wave.min() > 0.6
        assert made.wave.max() < 1.4143
        assert (made.pieces[0][1], made.pieces[-1][2]) == (0, count)
    for (_, _, end), (_, start, _) in zip(made.pieces, made.pieces[1:], strict=False):
        assert end - fade <= start <= end


@quick
@given(seed=seeds, texture=st.sampled_from(GapTexture))
def test_gaps_have_their_texture_and_speech_keeps_its_noise(seed: int, texture: GapTexture) -> None:
    rng = np.random.default_rng(seed)
    active = active_samples([(16_000, 32_000), (60_000, 70_000)], 96_000)
    bed = 0.05 * rng.standard_normal(96_000).astype(np.float32)
    speech_power = 0.01
    out = in_gaps(bed, active, texture, speech_power, NoiseSettings(), rng)
    assert np.array_equal(out[active], bed[active])
    gap_db = decibels_of(power(out[40_000:56_000])) - decibels_of(speech_power)
    match texture:
        case GapTexture.PUBLISHED:
            assert np.array_equal(out, bed)
        case GapTexture.NOISE:
            assert -30.2 <= gap_db <= -17.8
        case GapTexture.DIGITAL_ZERO:
            assert not out[40_000:56_000].any()
        case GapTexture.HISS:
            assert -65.2 <= gap_db <= -44.8


def test_noise_that_is_quiet_enough_is_not_made_louder_in_the_gaps() -> None:
    rng = np.random.default_rng(1)
    active = active_samples([(16_000, 32_000)], 64_000)
    bed = 1e-5 * rng.standard_normal(64_000).astype(np.float32)
    assert np.array_equal(in_gaps(bed, active, GapTexture.NOISE, 0.01, NoiseSettings(), rng), bed)


def test_a_stream_in_which_nobody_speaks_keeps_its_bed() -> None:
    bed, rng = np.ones(16_000, np.float32), np.random.default_rng(1)
    nobody = np.zeros(16_000, np.bool_)
    out = in_gaps(bed, nobody, GapTexture.DIGITAL_ZERO, 0.0, NoiseSettings(), rng)
    assert np.array_equal(out, bed)


def test_ramps_lie_outside_of_what_is_heard() -> None:
    heard = speaking(active_samples([(16_000, 24_000)], 48_000), 16_000)
    assert (heard[16_000:24_000] == 1).all()
    assert not heard[: 16_000 - 800].any()
    assert not heard[24_000 + 4_800 :].any()
    assert np.abs(np.diff(heard)).max() < 0.01


def test_a_loud_sound_is_made_quieter_and_not_clipped() -> None:
    wave = np.array([0.5, -2.0, 1.0], np.float32)
    assert within_scale(wave) == pytest.approx(wave * 0.475)
    assert within_scale(wave * np.float32(0.1)) is not None
    quiet = wave * np.float32(0.1)
    assert within_scale(quiet) is quiet


def test_what_no_microphone_hears_is_not_counted_as_noise() -> None:
    rumble = np.full(32_000, 0.3, np.float32) + np.sin(np.arange(32_000) * 2 * np.pi * 8 / 16_000)
    hum = 0.01 * np.sin(np.arange(32_000) * 2 * np.pi * 200 / 16_000)
    heard = audible((rumble + hum).astype(np.float32))[8_000:]
    assert decibels_of(power(heard)) < decibels_of(1 / 2) - 25
    alone = audible(hum.astype(np.float32))[8_000:]
    assert power(alone) == pytest.approx(power(hum.astype(np.float32)[8_000:]), rel=0.02)
