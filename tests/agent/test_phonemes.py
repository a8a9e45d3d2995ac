# ruff: noqa: RUF001
"""Which phonemes belong to which word, where espeak-ng runs words together."""

from __future__ import annotations

import functools

import pytest

from interject.agent.voice.espeak_library import shared_library
from interject.agent.voice.neural.phonemes import Phonemes, phonemes_of


def phonemes(text: str) -> Phonemes:
    library = shared_library()
    say = functools.partial(library.phonemes, voice="en-us")
    return library.executor.submit(phonemes_of, text, say).result()


def by_word(text: str) -> dict[str, str]:
    found = phonemes(text)
    return {word.text: found.ipa[word.first : word.end] for word in found.words}


def test_marks_stay_where_they_are() -> None:
    assert phonemes("Stop, wait!").ipa == "stˈɑːp, wˈeɪt!"


def test_a_number_is_one_word_of_the_text() -> None:
    assert by_word("It is 3.5 degrees, 42 of them")["3.5"] == "θɹˈiː pɔɪnt fˈaɪv"


def test_words_that_are_run_together_are_told_apart() -> None:
    assert "ɪnðə" in phonemes("in the kitchen").ipa
    assert by_word("in the kitchen") == {"in": "ɪn", "the": "ðə", "kitchen": "kˈɪtʃən"}


@pytest.mark.parametrize(
    "text",
    [
        "The kettle is boiling in the kitchen, of the 42 people. ",
        ' "Wait" - what? ',
        "Call 112 (now) or the NASA http://x.y/z!",
        "I am going to the shop and all of it is for you at 10:30, e.g. on Monday",
        "a\0b \N{GRINNING FACE} c",
    ],
)
def test_words_cover_the_text_and_go_forward(text: str) -> None:
    found = phonemes(text)
    assert "".join(text[word.first_char : word.end_char] for word in found.words) == text
    edges = [edge for word in found.words for edge in (word.first, word.end)]
    assert edges == sorted(edges)
    assert edges[-1] <= len(found.ipa)


def test_marks_alone_are_no_word() -> None:
    assert phonemes("...").words == ()
    assert phonemes("").words == ()
