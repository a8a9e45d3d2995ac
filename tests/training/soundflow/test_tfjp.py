from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.training.soundflow.core_locate import boundary_norm, core_locate
from interject.training.soundflow.noise_profile import denoised
from interject.training.soundflow.silence_cut import silence_cut
from interject.training.soundflow.sound_check import UnusableSound
from interject.training.soundflow.tapers import tapered
from interject.training.soundflow.tfjp import PUBLISHED, clean, purified
from interject.training.soundflow.tfjp_settings import TfjpSettings

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave

OMEGA, DELTA, TAU = 320, 3_200, 4_800
quick = settings(max_examples=40, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def noise(seed: int, count: int, level: float = 0.01) -> Wave:
    wave: Wave = np.random.default_rng(seed).standard_normal(count).astype(np.float32)
    return wave * np.float32(level)


def burst(seed: int, start: int, length: int, count: int, level: float = 0.2) -> Wave:
    """Noise of -40 dB with louder noise from `start` on."""
    wave = noise(seed, count)
    wave[start : start + length] += noise(seed + 1, length, level)
    return wave


def test_the_published_numbers_are_the_defaults() -> None:
    named = {name: getattr(PUBLISHED, name) for name in ("tau_ms", "k", "omega_ms", "delta_ms")}
    assert named == {"tau_ms": 300, "k": 3, "omega_ms": 20, "delta_ms": 200}
    assert (PUBLISHED.gamma, PUBLISHED.gate_percentile, PUBLISHED.noise_percent) == (1, 10, 5)


@pytest.mark.parametrize("name", [field.name for field in fields(TfjpSettings)])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_a_setting_that_makes_no_sense_is_named(name: str, value: float) -> None:
    given: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"^{name} "):
        replace(PUBLISHED, **given)


@quick
@given(count=st.integers(0, 20_000))
def test_of_silence_nothing_is_left(count: int) -> None:
    assert len(clean(np.zeros(count, np.float32)).wave) == 0


@quick
@given(seed=seeds, count=st.one_of(st.integers(0, 700), st.integers(0, 30_000)))
def test_what_comes_out_is_finite_never_longer_and_the_same_each_time(
    seed: int, count: int
) -> None:
    wave = noise(seed, count, 0.1)
    wave[count // 3 : count // 2] *= np.float32(0.001)
    before = wave.copy()
    first, second = clean(wave), clean(wave)
    assert len(first.wave) <= count
    assert first.wave.dtype == np.float32
    assert np.isfinite(first.wave).all()
    assert np.array_equal(first.wave, second.wave)
    assert np.array_equal(wave, before)


@quick
@given(seed=seeds, octaves=st.integers(-6, 3), start=st.integers(0, 20_000))
def test_a_louder_recording_gives_the_same_sound_louder(
    seed: int, octaves: int, start: int
) -> None:
    gain = np.float32(2.0**octaves)
    wave = burst(seed, start, 6_000, 32_000, 0.02)
    assert np.array_equal(clean(wave * gain).wave, clean(wave).wave * gain)


@quick
@given(seed=seeds, start=st.integers(0, 40_000), length=st.integers(1_600, 16_000))
def test_a_burst_in_noise_is_located_within_its_frame(seed: int, start: int, length: int) -> None:
    wave = burst(seed, start, length, 64_000)
    first, last = core_locate(wave, PUBLISHED)
    assert abs(first - start) <= OMEGA
    assert abs(last - (start + length)) <= OMEGA


@quick
@given(seed=seeds, start=st.integers(16_000, 32_000), length=st.integers(3_200, 12_000))
def test_a_burst_is_kept_and_the_noise_around_it_is_not(seed: int, start: int, length: int) -> None:
    cleaned = clean(burst(seed, start, length, 64_000))
    assert length - 2 * OMEGA <= len(cleaned.wave) <= length + 2 * DELTA + 2 * OMEGA
    kept = np.sum(cleaned.wave**2) / np.sum(burst(seed, start, length, 64_000) ** 2)
    assert kept > 0.6


@quick
@given(core=st.tuples(st.integers(0, 50_000), st.integers(1, 50_000)), extra=st.integers(0, 9_000))
def test_ends_move_outwards_to_the_grid(core: tuple[int, int], extra: int) -> None:
    first, last = core[0], core[0] + core[1]
    low, high = boundary_norm((first, last), last + extra, PUBLISHED)
    assert low <= first < last <= high <= last + extra
    assert low % DELTA == 0
    assert high % DELTA == 0 or high == last + extra
    assert first - low < DELTA
    assert high - last < DELTA


@quick
@given(seed=seeds, gap=st.integers(0, 40_000))
def test_a_long_silence_is_shortened_to_tau_and_a_second_cut_changes_nothing(
    seed: int, gap: int
) -> None:
    wave = np.concatenate([noise(seed, 8_000, 0.2), np.zeros(gap, np.float32), noise(1, 8_000)])
    wave[-8_000:] *= np.float32(20)
    once = silence_cut(wave, PUBLISHED)
    removed = len(wave) - len(once)
    assert abs(removed - max(0, gap - TAU)) <= 2 * OMEGA
    assert np.array_equal(once[:8_000], wave[:8_000])
    assert np.array_equal(once[-8_000:], wave[-8_000:])
    assert np.array_equal(silence_cut(once, PUBLISHED), once)


def test_a_steady_sound_is_not_taken_for_silence() -> None:
    wave = noise(1, 32_000, 0.1)
    assert silence_cut(wave, PUBLISHED) is wave


def test_denoising_lowers_the_noise_and_keeps_the_tone() -> None:
    tone = np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000).astype(np.float32)
    wave = noise(3, 48_000)
    wave[16_000:32_000] += np.float32(0.3) * tone
    out = denoised(wave, PUBLISHED)
    assert np.std(out[2_000:14_000]) < 0.5 * np.std(wave[2_000:14_000])
    middle = slice(18_000, 30_000)
    assert np.std(out[middle]) == pytest.approx(np.std(wave[middle]), rel=0.05)


def test_without_subtraction_a_sound_stays_as_it_is() -> None:
    wave = noise(3, 16_001, 0.1)
    untouched = TfjpSettings(gamma=0)
    assert denoised(wave, untouched) == pytest.approx(wave, abs=1e-4)


def test_passes_and_rounds_are_bounded_and_say_when_the_bound_was_reached() -> None:
    wave = burst(1, 20_000, 8_000, 64_000)
    once = TfjpSettings(k=1)
    assert purified(wave, once)[1:] == (1, False)
    assert not clean(wave, once).is_stable
    for seed in range(5):
        cleaned = clean(burst(seed, 20_000, 8_000, 64_000))
        assert 1 <= len(cleaned.passes) <= PUBLISHED.outer_rounds
        assert max(cleaned.passes) <= PUBLISHED.k


@given(count=st.integers(0, 1_000), edge=st.integers(1, 400))
def test_tapers_begin_and_end_in_silence(count: int, edge: int) -> None:
    out = tapered(np.ones(count, np.float32), edge)
    assert len(out) == count
    if count > 1:
        assert out[0] == out[-1] == 0
        assert (out[edge : count - edge] == 1).all()


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (float("nan"), "3 of 1600 samples are not numbers"),
        (float("inf"), "3 of 1600 samples are not numbers"),
        (-float("inf"), "3 of 1600 samples are not numbers"),
    ],
)
def test_what_is_no_number_is_refused(bad: float, says: str) -> None:
    wave = noise(1, 1_600)
    wave[[0, 7, 1_599]] = bad
    with pytest.raises(UnusableSound, match=says):
        clean(wave)


def test_a_clipped_sound_is_refused_and_one_that_touches_full_scale_is_not() -> None:
    tone = np.sin(2 * np.pi * 100 * np.arange(16_000) / 16_000).astype(np.float32)
    with pytest.raises(UnusableSound, match=r"^clipped: "):
        clean(np.clip(2 * tone, -1, 1))
    assert len(clean(tone).wave)


def test_stereo_is_refused() -> None:
    with pytest.raises(UnusableSound, match="2 dimensions"):
        clean(np.zeros((10, 2), np.float32))
