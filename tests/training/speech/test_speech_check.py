from __future__ import annotations

import importlib.util
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.training.speech.kokoro_voice import KokoroModel
from interject.training.speech.local_voices import EspeakSpeech
from interject.training.speech.recogniser import WhisperRecogniser
from interject.training.speech.speech_check import (
    CheckedVoice,
    DialogueDropped,
    normalised,
    word_error_rate,
)
from interject.training.speech.text_rewriting import RuleRewriter
from interject.training.speech.utterance import SynthesisError
from interject.training.streams.stream_source import DiscardedStream
from tests.fakes.recogniser import ScriptedRecogniser

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "Please count every **beep** that you hear, and tell me at the very end of it!"
RIGHT = "please count every beep that you hear and tell me at the very end of it"


def checked(*transcripts: str) -> tuple[CheckedVoice, ScriptedRecogniser]:
    recogniser = ScriptedRecogniser(*transcripts)
    return CheckedVoice(EspeakSpeech(), RuleRewriter(), recogniser), recogniser


def test_speech_that_is_understood_is_kept_and_not_skipped() -> None:
    voice, recogniser = checked(RIGHT)
    said = voice.say(TEXT)
    assert said.skipped == ()
    assert said.text == TEXT.replace("*", "")
    assert recogniser.lengths == [len(said.pcm)]


def test_one_wrong_word_of_sixteen_is_allowed_and_two_are_not() -> None:
    assert word_error_rate(RIGHT, RIGHT.replace("beep", "beat")) == 1 / 16
    checked(RIGHT.replace("beep", "beat"))[0].say(TEXT)
    with pytest.raises(DialogueDropped, match="speech that the recogniser did not") as dropped:
        checked(RIGHT.replace("beep that", "beat hat"))[0].say(TEXT)
    assert "3 attempts: word error rate 0.12 at best, 0.10 is allowed" in dropped.value.why
    assert isinstance(dropped.value, DiscardedStream)
    assert pickle.loads(pickle.dumps(dropped.value)).why == dropped.value.why


def test_what_is_not_understood_is_said_again_and_slower() -> None:
    voice, recogniser = checked("nothing", "something else", RIGHT)
    said = voice.say(TEXT)
    assert recogniser.lengths[0] < recogniser.lengths[1] < recogniser.lengths[2] == len(said.pcm)


def test_without_a_recogniser_it_is_said_that_nobody_listened() -> None:
    assert CheckedVoice(EspeakSpeech(), RuleRewriter()).say(TEXT).skipped == ("asr",)


@pytest.mark.parametrize("text", ["", "***", "\N{GRINNING FACE}"])
def test_a_dialogue_with_nothing_to_say_is_dropped(text: str) -> None:
    with pytest.raises(SynthesisError):
        checked(RIGHT)[0].say(text)


@pytest.mark.parametrize(
    ("first", "second"),
    [("It's $5!", "its five dollars"), ("In 1984,", "in 1984"), ("caf\u00e9", "cafe\u0301")],
)
def test_case_marks_and_digits_do_not_count(first: str, second: str) -> None:
    assert normalised(first) == normalised(second)


@pytest.mark.parametrize(("text", "heard", "rate"), [("", "", 0), ("", "a", 1), ("a b", "", 1)])
def test_the_error_rate_of_nothing(text: str, heard: str, rate: float) -> None:
    assert word_error_rate(text, heard) == rate


def test_a_folder_without_a_whisper_is_named(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match=r"holds no model.bin; give a folder with a Whisper"):
        WhisperRecogniser(tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("faster_whisper") is not None, reason="it is there")
def test_a_missing_whisper_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(SynthesisError, match=r"pip install 'interject\[whisper\]'"):
        WhisperRecogniser(tmp_path)


def test_a_folder_without_a_neural_voice_is_named(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match=r"holds no Kokoro-82M with its voices"):
        KokoroModel(tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("onnx") is None, reason="not installed")
def test_a_damaged_neural_voice_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "af_sky.bin").write_bytes(b"")
    with pytest.raises(SynthesisError, match=r"holds no tokenizer.json"):
        KokoroModel(tmp_path)
    (tmp_path / "vocabulary.json").write_text('{"vocab": []}')
    with pytest.raises(SynthesisError, match=r"is no vocabulary of Kokoro-82M"):
        KokoroModel(tmp_path)
    (tmp_path / "vocabulary.json").write_text('{"vocab": {"a": 1}}')
    with pytest.raises(
        SynthesisError, match=r"model.onnx: is no network that can be loaded: [^\n]*$"
    ):
        KokoroModel(tmp_path)


def test_the_licence_and_the_name_are_the_voice_s() -> None:
    voice, _ = checked(RIGHT)
    said = voice.say(TEXT)
    assert (voice.name, voice.licence) == (said.voice, said.licence) == (
        "espeak-ng en-us", "none claimed (synthesised speech)",
    )  # fmt: skip
    assert said.pcm.dtype == np.float32
