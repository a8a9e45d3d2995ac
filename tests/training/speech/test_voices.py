from __future__ import annotations

import asyncio
import random
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.agent.voice.espeak import EspeakSpeaker
from interject.config import EspeakVoice
from interject.model_runtime.protocol import Emotion
from interject.training.nano import speech_bank as bank_module
from interject.training.nano.isolated import FOREIGN_WORDS
from interject.training.nano.language import replies, spoken_prompts
from interject.training.nano.speech_bank import (
    ISOLATED,
    NEAR_MISS,
    OWN,
    UNRELATED,
    BankSize,
    SpeechBank,
    make_bank,
    open_bank,
)
from interject.training.speech.espeak import Espeak
from interject.training.speech.phones import PHONES, UNKNOWN_PHONE, phone_id
from interject.training.speech.utterance import SynthesisError, Utterance
from interject.training.speech.voices import random_espeak, random_flite, speak_flite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.agent.voice.base import SpokenChunk


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    return Espeak()


def test_espeak_gives_words_and_phones_with_their_times(espeak: Espeak) -> None:
    said = espeak.speak("help me please", "en-us", words_per_min=150, pitch=50)
    assert [word for word, _ in said.word_ends] == ["help", "me", "please"]
    ends = [end for _, end in said.word_ends]
    assert ends == sorted(ends)
    assert abs(ends[-1] - len(said.pcm)) < 1_600
    names = [PHONES[p] for p in said.phones if p != UNKNOWN_PHONE]
    order = [name for n, name in enumerate(names) if n == 0 or names[n - 1] != name]
    assert order[:3] == ["hh", "eh", "l"]
    assert [name for name in order if name != "pau"][-2:] == ["iy", "z"]


async def test_training_and_the_agent_s_voice_speak_in_one_process(espeak: Espeak) -> None:
    voice = EspeakSpeaker(EspeakVoice())

    async def text() -> AsyncIterator[str]:
        yield "good morning"

    async def aloud() -> list[SpokenChunk]:
        return [chunk async for chunk in voice.speak(text(), Emotion.NORMAL)]

    async def taught() -> Utterance:
        return await asyncio.to_thread(
            espeak.speak, "help me please", "en-us", words_per_min=150, pitch=50
        )

    async with asyncio.TaskGroup() as group:
        lessons = [group.create_task(taught()) for _ in range(5)]
        speaking = group.create_task(aloud())
    for lesson in lessons:
        assert [word for word, _ in lesson.result().word_ends] == ["help", "me", "please"]
    words = [word.text for chunk in speaking.result() for word in chunk.words]
    assert " ".join(words).split() == ["good", "morning"]


def test_an_utterance_has_no_silence_at_its_ends(espeak: Espeak) -> None:
    said = espeak.speak("good morning", "en", words_per_min=150, pitch=50)
    loud = np.flatnonzero(np.abs(said.pcm) > np.abs(said.pcm).max() * 0.014)
    assert loud[0] == 0
    assert loud[-1] == len(said.pcm) - 1


def test_foreign_speech_has_no_labels(espeak: Espeak) -> None:
    said = random_espeak(espeak, "the red umbrella", random.Random(1), language="fr")
    assert said.word_ends == ()
    assert set(said.phones) == {UNKNOWN_PHONE}


@pytest.mark.parametrize("language", FOREIGN_WORDS)
def test_every_language_of_lone_words_has_a_voice(espeak: Espeak, language: str) -> None:
    text = FOREIGN_WORDS[language][0]
    said = random_espeak(espeak, text, random.Random(2), language=language)
    assert said.voice.startswith(language)
    assert len(said.pcm) > 1_600


def test_an_unknown_voice_is_named(espeak: Espeak) -> None:
    with pytest.raises(SynthesisError, match="no voice 'xx-nobody'"):
        espeak.speak("hello", "xx-nobody", words_per_min=150, pitch=50)


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_flite_speaks_with_phones() -> None:
    said = speak_flite("count the beeps", "kal16", stretch=1.1)
    assert 0.5 < len(said.pcm) / 16_000 < 3
    names = [PHONES[p] for p in said.phones]
    assert names.index("aw") < names.index("b") < names.index("s")
    assert [word for word, _ in said.word_ends] == ["count", "the", "beeps"]


@pytest.mark.parametrize(
    ("name", "phone"), [("tS", "ch"), ("i:", "iy"), ("ax", "ah"), ("t#", "t"), ("aI@", "ay")]
)
def test_phones_of_both_synthesisers_meet(name: str, phone: str) -> None:
    assert PHONES[phone_id(name)] == phone


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_one_rendering_is_transformed_in_several_ways() -> None:
    said = random_flite("count the beeps", random.Random(4), 3)
    assert len(said) == 3
    assert {utterance.text.rstrip("?.") for utterance in said} == {"count the beeps"}
    assert len({utterance.voice for utterance in said}) == 1
    assert not np.array_equal(said[0].pcm, said[1].pcm)
    for utterance in said:
        assert abs(len(utterance.pcm) - len(said[0].pcm)) < 3
        assert [word for word, _ in utterance.word_ends] == ["count", "the", "beeps"]


def test_two_processes_say_what_one_says(bank: SpeechBank) -> None:
    size = BankSize(1, 0, 14, 2, 0, 6, 0, own_a_reply=1, isolated=8)
    shared = make_bank(size, seed=3, processes=2)
    assert len(shared) == len(bank)
    for number in range(len(bank)):
        assert shared[number].text == bank[number].text
        assert shared[number].voice == bank[number].voice
    assert shared.groups == bank.groups


def test_a_bank_holds_every_wording_and_comes_back_from_disk(
    bank: SpeechBank, tmp_path_factory: pytest.TempPathFactory
) -> None:
    talk = {*spoken_prompts().values(), UNRELATED, NEAR_MISS, ISOLATED}
    assert set(bank.groups) == talk | set(bank.own)
    own = {OWN + reply for reply in replies()}
    assert set(bank.own) <= own, "the shortest may be too short to hear"
    assert len(bank.own) > 0.9 * len(own)
    path = tmp_path_factory.mktemp("bank") / "speech.npz"
    bank.save(path)
    again = SpeechBank.load(path)
    assert len(again) == len(bank)
    for number in (0, len(bank) // 2, len(bank) - 1):
        first, second = bank[number], again[number]
        assert (first.text, first.voice, first.word_ends) == (
            second.text, second.voice, second.word_ends,
        )  # fmt: skip
        assert np.array_equal(first.pcm, second.pcm)
        assert np.array_equal(first.phones, second.phones)


def test_a_bank_is_made_once_for_each_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = BankSize(0, 0, 0, 0, 0, 0, 0, own_a_reply=1, isolated=0)
    monkeypatch.setattr(bank_module, "replies", lambda: ["Noted.", "One."])
    assert open_bank(tmp_path, size, 1).own == open_bank(tmp_path, size, 1).own
    monkeypatch.setattr(bank_module, "replies", lambda: ["Noted.", "Two."])
    assert open_bank(tmp_path, size, 1).own == ["own: Noted.", "own: Two."]
    assert len(list(tmp_path.iterdir())) == 2
