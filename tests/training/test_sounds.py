from __future__ import annotations

import numpy as np
import pytest

from interject.training.acoustics import channel, colour_and_place, impulse_response, stretch
from interject.training.sounds.alarming import ALARMING
from interject.training.sounds.catalogue import CLASSES, make_sound, models
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
