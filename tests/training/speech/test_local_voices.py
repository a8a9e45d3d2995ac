from __future__ import annotations

import hashlib
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from interject.training.speech.local_voices import EspeakSpeech, FliteSpeech, random_local_voice
from interject.training.speech.speech_voice import ASR_CHECK, SpeechVoice, WordTimes
from interject.training.speech.steady_espeak import shared_espeak
from interject.training.speech.utterance import SynthesisError
from interject.training.speech.word_alignment import aligned, spoken_words

TEXT = "Please count every beep that you hear, and tell me at the end. Then stop!"
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
VOICES = [EspeakSpeech("en-gb+f3"), pytest.param(FliteSpeech(), marks=needs_flite)]


@pytest.mark.parametrize("voice", VOICES)
def test_a_voice_says_a_text_with_the_times_of_its_words(voice: SpeechVoice) -> None:
    said = voice.say(TEXT)
    assert (said.text, said.voice, said.licence) == (TEXT, voice.name, voice.licence)
    assert [word.text for word in said.words] == TEXT.split()
    ends = [word.end_s for word in said.words]
    assert ends == sorted(ends)
    assert ends[0] > 0.1
    assert ends[-1] == pytest.approx(said.duration_s, abs=0.06)
    assert said.pcm.dtype == np.float32
    assert np.abs(said.pcm).max() == pytest.approx(0.61, abs=0.01)
    assert said.skipped == (ASR_CHECK,)
    assert said.source.name == voice.name


@pytest.mark.parametrize("voice", VOICES)
def test_a_further_attempt_is_slower(voice: SpeechVoice) -> None:
    first, second = voice.say(TEXT), voice.say(TEXT, 1)
    assert 1.03 < second.duration_s / first.duration_s < 1.2


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("text", ["", " \n", "?!", "\N{EM DASH}"])
def test_a_text_without_a_word_is_refused(voice: SpeechVoice, text: str) -> None:
    with pytest.raises(SynthesisError, match="without a word"):
        voice.say(text)


def test_espeak_s_words_end_where_their_pause_begins() -> None:
    said = EspeakSpeech().say("Hello there. Is it ten? Yes, it is.")
    assert said.word_times is WordTimes.SYNTHESISER
    for number, word in enumerate(said.words[:-1]):
        behind = said.pcm[round((word.end_s + 0.06) * 16_000) :][:1_600]
        is_silent = float(np.abs(behind).max()) < 0.02
        assert is_silent is (word.text in ("there.", "ten?", "Yes,")), number


def test_another_language_has_its_words_too() -> None:
    said = EspeakSpeech("de").say("Guten Morgen, 42 Leute!")
    assert [word.text for word in said.words] == ["Guten", "Morgen,", "42", "Leute!"]


def test_aligning_by_energy_finds_what_espeak_knows() -> None:
    said = EspeakSpeech().say(TEXT)
    words, word_times = aligned(said.text, said.pcm)
    assert word_times is WordTimes.ENERGY
    errors = [abs(a.end_s - b.end_s) for a, b in zip(words, said.words, strict=True)]
    assert np.mean(errors) < 0.1
    assert max(errors) < 0.3
    marks = [n for n, word in enumerate(words) if word.text[-1] in ".,"]
    assert [errors[number] < 0.05 for number in marks] == [True, True]


@pytest.mark.parametrize(
    "wave",
    [np.zeros(16_000, np.float32), np.full(16_000, 0.3, np.float32), np.zeros(40, np.float32)],
)
def test_where_nothing_stands_out_words_are_spread_in_proportion(wave: np.ndarray) -> None:
    words, word_times = aligned("one, extraordinary!", wave)
    assert word_times is WordTimes.PROPORTIONAL
    length_s = len(wave) / 16_000
    assert words[1].end_s == length_s
    assert 0.05 < words[0].end_s / length_s < 0.4


def test_what_has_neither_letter_nor_digit_is_no_word() -> None:
    assert spoken_words("a - b \N{EM DASH} 3 ... c!") == ["a", "b", "3", "c!"]


def test_random_voices_differ_and_each_stays_itself() -> None:
    voices = [random_local_voice(random.Random(seed)) for seed in range(12)]
    assert len({voice.name for voice in voices}) > 6
    assert voices == [random_local_voice(random.Random(seed)) for seed in range(12)]
    voice = next(voice for voice in voices if isinstance(voice, EspeakSpeech) and voice.seed)
    again: SpeechVoice = pickle.loads(pickle.dumps(voice))
    assert np.array_equal(again.say("Good morning.").pcm, voice.say("Good morning.").pcm)


def test_what_came_before_and_who_asks_change_nothing() -> None:
    """In one process espeak-ng itself never says the same twice."""
    voice = EspeakSpeech("en-029+Andrea")
    first = hashlib.sha256(voice.say(TEXT).pcm.tobytes()).hexdigest()
    EspeakSpeech("en+whisper").say("Something else before it.")
    code = (
        "import hashlib; from interject.training.speech.local_voices import EspeakSpeech;"
        f"said = EspeakSpeech('en-029+Andrea').say({TEXT!r});"
        "print(hashlib.sha256(said.pcm.tobytes()).hexdigest(), end='')"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [hashlib.sha256(voice.say(TEXT).pcm.tobytes()).hexdigest(), other.stdout] == [first] * 2


def test_an_unknown_voice_is_named_and_others_speak_on() -> None:
    with pytest.raises(SynthesisError, match="no voice 'xx-nobody'"):
        EspeakSpeech("xx-nobody").say("Hello.")
    assert EspeakSpeech().say("Hello.").duration_s > 0.2


def test_a_nursery_that_was_killed_is_started_again() -> None:
    voice = EspeakSpeech()
    before = voice.say("Hello.")
    os.kill(shared_espeak().nursery_pid, signal.SIGKILL)
    with pytest.raises(SynthesisError, match="has ended"):
        voice.say("Hello.")
    assert np.array_equal(voice.say("Hello.").pcm, before.pcm)
