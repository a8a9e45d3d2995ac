from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.training.nano.isolated import FOREIGN_WORDS, isolated, isolated_anywhere
from interject.training.nano.language import (
    COUNTABLE,
    INTENTS,
    NUMBERS,
    SOUND_NAMES,
    count_reply,
    sound_reply,
    spoken_prompts,
)
from interject.training.nano.near_miss import near_miss
from interject.training.nano.talk_grammar import unrelated
from interject.training.nano.tokenizer import train_tokenizer
from interject.training.sequences.prompt import VERBATIM_PROMPT
from interject.training.sounds.catalogue import CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable

TOKENIZER = train_tokenizer()


@given(st.text(max_size=60))
def test_every_text_survives_the_tokenizer(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text).ids) == text


def test_the_tokenizer_is_the_same_every_time() -> None:
    assert train_tokenizer().to_str() == TOKENIZER.to_str()


def test_replies_and_the_prompt_are_about_one_token_a_word() -> None:
    for text in [VERBATIM_PROMPT, *[request.reply for request in INTENTS]]:
        assert len(TOKENIZER.encode(text).ids) <= 1.5 * len(text.split()) + 2


def test_about_twenty_requests_with_several_wordings_each_asked_only_once() -> None:
    assert len(INTENTS) >= 20
    assert all(len(request.wordings) >= 3 for request in INTENTS)
    wordings = [wording for request in INTENTS for wording in request.wordings]
    assert len(set(wordings)) == len(wordings)
    assert len({request.key for request in INTENTS} & set(CLASSES)) == 0


def test_unrelated_talk_is_never_a_request() -> None:
    rng = random.Random(5)
    asked = set(spoken_prompts())
    assert not asked & {unrelated(rng) for _ in range(3_000)}
    assert not asked & {near_miss(rng) for _ in range(3_000)}
    assert not asked & {isolated(rng).rstrip("?!.") for _ in range(3_000)}


def test_what_people_say_alone_is_short_and_of_many_kinds() -> None:
    rng = random.Random(9)
    said = [isolated(rng) for _ in range(1_000)]
    lengths = [len(text.split()) for text in said]
    assert sum(length <= 2 for length in lengths) > 600
    assert max(lengths) <= 12
    assert len(set(said)) > 500
    languages = Counter(isolated_anywhere(rng, 0.5)[0] for _ in range(1_000))
    assert 400 < languages.pop("") < 600
    assert len(languages) == len(FOREIGN_WORDS)
    assert {isolated_anywhere(rng, 1.0, ("fr-fr",))[0] for _ in range(9)} == {"fr-fr"}


@pytest.mark.parametrize("talk", [unrelated, near_miss])
def test_talk_shares_words_with_requests(talk: Callable[[random.Random], str]) -> None:
    rng = random.Random(6)
    words = " ".join(talk(rng) for _ in range(500)).split()
    assert {"password", "order", "name", "meeting"} <= set(words)


def test_what_comes_close_to_a_request_begins_like_one_or_quotes_it() -> None:
    rng, asked = random.Random(7), tuple(spoken_prompts())
    talk = [near_miss(rng) for _ in range(300)]
    assert sum(any(wording in text for wording in asked) for text in talk) > 100
    first = {wording.split()[0] for wording in asked}
    assert sum(text.split()[0] in first for text in talk) > 120


def test_no_cry_for_help_is_cut_short_and_then_left_alone() -> None:
    rng = random.Random(8)
    assert not {"somebody help", "help", "help me"} & {near_miss(rng) for _ in range(3_000)}


def test_every_sound_has_a_name_and_every_count_a_word() -> None:
    assert set(SOUND_NAMES) == set(CLASSES)
    assert set(COUNTABLE) <= set(CLASSES)
    assert sound_reply("kettle") == "That was a kettle."
    assert [count_reply(n) for n in (1, 6)] == ["One.", "Six."]


def test_counting_beyond_the_known_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="counts from 1 to 10, not to 11"):
        count_reply(len(NUMBERS) + 1)
