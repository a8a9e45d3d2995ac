from __future__ import annotations

import random

import numpy as np
import pytest

from interject.training.sounds.waves import tone
from interject.training.speech import vocoder
from interject.training.speech.utterance import Utterance
from interject.training.speech.voice_transform import (
    PLAIN,
    VoiceTransform,
    random_transform,
    transformed,
)


@pytest.fixture
def spoken() -> Utterance:
    """A hum of 120 Hz under one formant at 1 kHz, then a hiss."""
    rng = np.random.default_rng(1)
    levels = [1 / (1 + ((n * 120 - 1_000) / 150) ** 2) for n in range(1, 60)]
    hum = tone(rng, 120.0, 0.6, levels)
    wave = np.concatenate((hum / np.abs(hum).max(), 0.2 * rng.standard_normal(3_200)))
    phones = np.repeat(np.array([1, 29], np.int8), (30, 11))
    words = (("hum", 9_600), ("hiss", 12_800))
    return Utterance("hum hiss", "test", (wave * 15_000).astype(np.int16), phones, words)


def peak_hz(pcm: np.ndarray[tuple[int], np.dtype[np.int16]]) -> float:
    """Where the smooth spectrum of the first part is highest."""
    spectra = vocoder.analyse(pcm[1_000:6_000].astype(np.float32) / np.float32(32_768))
    return float(vocoder.envelope(spectra)[5:-5].mean(axis=0).argmax() * 16_000 / vocoder.FRAME)


def test_what_is_taken_apart_comes_back_whole() -> None:
    wave = np.random.default_rng(2).standard_normal(5_000).astype(np.float32)
    back = vocoder.synthesise(vocoder.analyse(wave), len(wave))
    assert np.abs(back - wave).max() < 1e-4


@pytest.mark.parametrize("seed", range(12))
def test_a_transform_depends_only_on_its_generator_and_never_clips(
    spoken: Utterance, seed: int
) -> None:
    def one() -> Utterance:
        rng = random.Random(seed)
        return transformed(spoken, random_transform(rng, pitch=rng.uniform(0.85, 1.9)), rng)

    first, second = one(), one()
    assert np.array_equal(first.pcm, second.pcm)
    assert 15_000 < np.abs(first.pcm.astype(int)).max() <= 20_000
    assert first.pcm.dtype == np.int16


def test_no_transform_changes_nothing(spoken: Utterance) -> None:
    assert transformed(spoken, PLAIN, random.Random(1)) is spoken


@pytest.mark.parametrize("pitch", [0.8, 1.0, 1.6])
@pytest.mark.parametrize("source_hz", [0.0, 180.0])
def test_a_higher_voice_is_shorter_and_its_times_move_with_it(
    spoken: Utterance, pitch: float, source_hz: float
) -> None:
    changed = transformed(
        spoken, VoiceTransform(pitch=pitch, source_hz=source_hz, breath=0.1), random.Random(1)
    )
    assert len(changed.pcm) == pytest.approx(len(spoken.pcm) / pitch, abs=2)
    assert len(changed.phones) == pytest.approx(len(spoken.phones) / pitch, abs=1)
    assert changed.word_ends[0] == ("hum", int(9_600 / pitch))
    assert changed.word_ends[1][1] == pytest.approx(len(changed.pcm), abs=2)


@pytest.mark.parametrize("tract", [0.8, 1.3])
@pytest.mark.parametrize("pitch", [1.0, 1.3])
def test_the_vocal_tract_changes_apart_from_the_pitch(
    spoken: Utterance, tract: float, pitch: float
) -> None:
    changed = transformed(spoken, VoiceTransform(pitch=pitch, tract=tract), random.Random(1))
    assert peak_hz(changed.pcm) == pytest.approx(peak_hz(spoken.pcm) * tract, abs=130)


def test_a_new_source_has_the_pitch_that_was_asked_for(spoken: Utterance) -> None:
    transform = VoiceTransform(source_hz=250.0, melody=0.0)
    wave = transformed(spoken, transform, random.Random(1)).pcm[2_000:8_000].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    strongest = float(spectrum.argmax() * 16_000 / len(wave))
    assert abs(strongest / 250 - round(strongest / 250)) < 0.03


def test_voices_and_hisses_are_told_apart(spoken: Utterance) -> None:
    wave = spoken.pcm.astype(np.float32) / np.float32(32_768)
    voiced = vocoder.voicing(vocoder.analyse(wave))
    assert voiced[10:60].min() > 0.9
    assert voiced[85:95].max() < 0.5


def test_steadying_keeps_the_length_and_the_mean_of_what_is_even() -> None:
    even = np.ones((7, 5), np.float32)
    for frames in (3, 5):
        assert vocoder.steadied(even, frames) == pytest.approx(even)
