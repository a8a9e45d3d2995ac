from __future__ import annotations

import numpy as np
import pytest

from interject.training.acoustics import (
    as_recorded,
    channel,
    colour_and_place,
    impulse_response,
    stretch,
)
from interject.training.sounds.alarming import ALARMING
from interject.training.sounds.catalogue import CLASSES, make_sound, models
from interject.training.sounds.phonation import Phonation, Tract, phonate
from interject.training.sounds.struck import Ground, bounces, sheet
from interject.training.sounds.waves import glide, tone


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("held_out", [False, True])
def test_every_model_makes_a_clean_loud_sound(kind: str, held_out: bool) -> None:
    for seed in range(6):
        wave = make_sound(kind, np.random.default_rng(seed), held_out=held_out)
        assert wave.dtype == np.float32
        assert np.isfinite(wave).all()
        assert 0.55 < np.abs(wave).max() <= 0.6001
        assert 0.02 < len(wave) / 16_000 < 5
        assert np.abs(wave[-1]) > 0.005


@pytest.mark.parametrize("kind", sorted(ALARMING))
def test_the_sounds_of_a_model_differ_and_no_model_is_heard_for_long(kind: str) -> None:
    for model in dict.fromkeys(ALARMING[kind]):
        first, second = (model(np.random.default_rng(seed)) for seed in (1, 2))
        assert np.isfinite(first).all()
        assert len(first) != len(second) or not np.allclose(first, second)
        assert max(len(first), len(second)) < 5 * 16_000


@pytest.mark.parametrize("kind", sorted(ALARMING))
def test_one_model_of_each_alarming_class_is_kept_for_tests(kind: str) -> None:
    trained, kept = models(kind, held_out=False), models(kind, held_out=True)
    assert len(kept) == 1
    assert len(trained) >= 2
    assert kept[0] not in trained


def test_a_sound_depends_only_on_its_generator() -> None:
    first, second = (make_sound("glass", np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(first, second)


def test_a_tone_has_its_pitch() -> None:
    wave = tone(np.random.default_rng(1), glide((1_000, 1_000), 1.0), 1.0)
    assert int(np.argmax(np.abs(np.fft.rfft(wave)))) == 1_000


def test_stretching_raises_the_pitch_and_shortens() -> None:
    wave = stretch(tone(np.random.default_rng(1), 500.0, 1.0), 1.25)
    assert len(wave) == 12_800
    assert abs(np.argmax(np.abs(np.fft.rfft(wave))) / 0.8 - 625) < 3


def test_a_room_begins_with_the_direct_sound_and_lengthens() -> None:
    rng = np.random.default_rng(2)
    room = impulse_response(rng)
    assert room[0] > 0.5
    click = np.zeros(800, np.float32)
    click[0] = 1
    assert len(colour_and_place(click, room, rng)) == 799 + len(room)


def test_a_channel_never_exceeds_full_scale() -> None:
    wave = tone(np.random.default_rng(1), 300.0, 0.5) * np.float32(3)
    for seed in range(40):
        out = channel(wave, np.random.default_rng(seed))
        assert np.abs(out).max() <= 1.0
        assert len(out) == len(wave)


def test_a_voice_has_its_pitch_and_its_vowel() -> None:
    tract = Tract(((1_000, 1_000, 1_000), (3_000, 3_000, 3_000)), 100)
    line = glide((400, 400), 1.0)
    voice = phonate(np.random.default_rng(1), line, tract, Phonation(0.5, breath=0.0))
    spectrum = np.abs(np.fft.rfft(voice * np.hanning(len(voice))))
    assert abs(int(np.argmax(spectrum[:600])) - 400) < 25
    assert spectrum[900:1_100].max() < spectrum[1_100:1_300].max(), "no harmonic lies there"
    assert spectrum[2_700:3_300].max() > 5 * spectrum[1_700:2_300].max()


def test_what_bounces_comes_down_sooner_and_softer() -> None:
    found = bounces(np.random.default_rng(3), 0.3, 6)
    gaps = np.diff([at for at, _ in found])
    assert len(found) > 3
    assert (np.diff(gaps) < 0).all()
    assert found[-1][1] < 0.5 * found[0][1]


def test_a_soft_blow_sounds_duller_and_what_falls_beside_the_ground_is_not_heard() -> None:
    body = sheet(np.random.default_rng(2), 200, 30, 0.1)

    def high(hardness_hz: float) -> float:
        wave = body.struck(np.random.default_rng(5), hardness_hz)
        spectrum = np.abs(np.fft.rfft(wave, 16_000)) ** 2
        return float(spectrum[2_000:].sum() / spectrum.sum())

    assert high(300) < 0.5 * high(8_000)
    ground = Ground(0.5)
    ground.add(0.6, np.ones(100, np.float32))
    assert not ground.sound.any()
    ground.add(0.499, np.ones(100, np.float32))
    assert ground.sound.sum() > 0


def test_a_file_of_somebodys_is_as_long_and_as_loud_as_the_sound() -> None:
    wave = np.pad(tone(np.random.default_rng(1), 300.0, 0.5) * np.float32(0.6), 800)
    changed = 0
    for seed in range(30):
        out = as_recorded(wave, np.random.default_rng(seed))
        assert len(out) == len(wave)
        assert np.abs(out).max() == pytest.approx(float(np.abs(wave).max()), rel=1e-3)
        changed += not np.allclose(out, wave, atol=1e-3)
    assert 15 < changed < 30
