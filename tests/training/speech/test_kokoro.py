from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from interject.training.speech.kokoro_speakers import HELD_OUT, KokoroCast
from interject.training.speech.kokoro_timing import phone_track, word_ends_s
from interject.training.speech.kokoro_voice import KokoroModel, KokoroSpeech
from interject.training.speech.phones import PHONES
from interject.training.speech.utterance import SynthesisError
from tests.fakes.kokoro import FRAMES_A_PHONEME, TRAINING_VOICES, kokoro_folder

if TYPE_CHECKING:
    from pathlib import Path

COUNT_BEEPS = "k\u02c8a\u028ant \u00f0\u0259 b\u02c8i\u02d0ps?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kokoro_folder(tmp_path_factory.mktemp("kokoro") / "timed")


def test_a_network_that_keeps_its_durations_inside_tells_them(folder: Path) -> None:
    model = KokoroModel(folder)
    sound = model.render("count the beeps?", model.styles("af_sky"), "en-us", 1.0)
    assert sound.phonemes.endswith("?")
    assert sound.frames == [FRAMES_A_PHONEME] * (len(sound.phonemes) + 2)
    assert len(sound.wave) == sum(sound.frames) * 600


def test_a_network_without_that_tensor_speaks_untimed(tmp_path: Path) -> None:
    model = KokoroModel(kokoro_folder(tmp_path / "k", timed=False))
    assert model.render("yes", model.styles("af_sky"), "en-us", 1.0).frames is None


def test_only_english_voices_say_the_texts_of_a_dialogue(folder: Path) -> None:
    model = KokoroModel(folder)
    assert set(model.voices) == {*HELD_OUT, "af_sky", "bm_lewis"}
    assert KokoroSpeech(model, "bm_lewis").say("Good morning.").duration_s > 0.5
    with pytest.raises(SynthesisError, match="no voice 'ff_siwis'"):
        model.speak("hello", "ff_siwis", 1.0)
    with pytest.raises(SynthesisError, match=r"has no xx_nobody\.bin"):
        model.styles("xx_nobody")


def test_phones_and_words_end_with_the_frames_of_their_phonemes() -> None:
    frames = [10.0, *[2.0] * len(COUNT_BEEPS), 5.0]
    track = phone_track(COUNT_BEEPS, frames)
    names = [PHONES[phone] for _, phone in track]
    assert names == ["pau", *["k", "aw", "n", "t", "dh", "ah", "b", "iy", "p", "s"], "pau"]
    starts = [start for start, _ in track]
    assert starts[1] == pytest.approx(7 * 0.025), "the silence before, less what is heard early"
    assert starts == sorted(starts)
    words = word_ends_s("Count the beeps?", COUNT_BEEPS, frames)
    assert [word for word, _ in words] == ["count", "the", "beeps"]
    assert words[1][1] == pytest.approx((7 + 2 * COUNT_BEEPS.index(" b")) * 0.025)


def test_words_that_were_drawn_together_have_no_ends() -> None:
    assert word_ends_s("has not", "h\u00e6zn\u0251t", [1.0] * 9) == []


def test_speakers_of_training_are_never_made_of_a_held_out_voice(folder: Path) -> None:
    model, rng = KokoroModel(folder), random.Random(4)
    cast = KokoroCast(model, held_out=False)
    drawn = [cast.draw(rng) for _ in range(200)]
    parts = {part for speaker in drawn for part in speaker.name.split("+")}
    assert parts == set(TRAINING_VOICES)
    assert any("+" in speaker.name for speaker in drawn)
    assert {speaker.language for speaker in drawn} == {"en-us", "en-gb"}
    levels = {float(speaker.styles[0, 0]) for speaker in drawn if "+" in speaker.name}
    assert len(levels) > 20, "each mixture has its own shares"
    tested = {KokoroCast(model, held_out=True).draw(rng).name for _ in range(200)}
    assert tested == set(HELD_OUT)


def test_another_language_is_left_to_one_who_speaks_it(folder: Path) -> None:
    model, rng = KokoroModel(folder), random.Random(4)
    speaker = KokoroCast(model, held_out=False).draw_foreign("fr-fr", rng)
    assert speaker is not None
    assert (speaker.name, speaker.language) == ("ff_siwis", "fr-fr")
    assert KokoroCast(model, held_out=False).draw_foreign("es", rng) is None
    assert KokoroCast(model, held_out=True).draw_foreign("fr-fr", rng) is None
