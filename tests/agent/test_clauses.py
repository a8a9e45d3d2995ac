from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from interject.agent.voice.clauses import MAX_CLAUSE_CHARS, Clause, ClauseSplitter
from interject.agent.voice.words import time_words


def split(*parts: str) -> list[str]:
    splitter = ClauseSplitter()
    found = [clause for part in parts for clause in splitter.push(part)]
    return [clause.text for clause in [*found, *splitter.finish()]]


def test_clauses_end_after_marks_that_a_space_follows() -> None:
    assert split("Stop! It is 3.5 km, or 1,000 feet. Go") == [
        "Stop! ",
        "It is 3.5 km, ",
        "or 1,000 feet. ",
        "Go",
    ]


def test_the_first_clause_is_known_before_the_text_ends() -> None:
    splitter = ClauseSplitter()
    assert splitter.push("Smoke alarm!") == []
    assert splitter.push(" Leave") == [Clause("Smoke alarm! ", 0)]
    assert splitter.push(" now.") == []
    assert splitter.finish() == [Clause("Leave now.", 13)]


def test_marks_of_other_scripts_and_line_ends() -> None:
    full_stop = "\N{IDEOGRAPHIC FULL STOP}"
    assert split(f"ab{full_stop}cd", "\nef") == [f"ab{full_stop}", "cd\n", "ef"]


def test_text_without_marks_is_cut_at_a_space() -> None:
    text = "word " * 100
    pieces = split(text)
    assert "".join(pieces) == text
    assert all(len(piece) <= MAX_CLAUSE_CHARS for piece in pieces)
    assert all(piece.endswith(" ") for piece in pieces)


@given(st.lists(st.text(alphabet="ab .,!?\n3", max_size=60), max_size=8))
def test_any_split_gives_the_same_clauses_and_loses_nothing(parts: list[str]) -> None:
    text = "".join(parts)
    assert split(*parts) == split(text)
    assert "".join(split(text)) == text


@given(st.text(max_size=400))
def test_clauses_are_never_too_long(text: str) -> None:
    assert all(0 < len(piece) <= MAX_CLAUSE_CHARS for piece in split(text))


@given(
    text=st.text(alphabet="abc 12.", min_size=1, max_size=60),
    anchors=st.lists(st.tuples(st.integers(-5, 80), st.integers(-50, 20_000)), max_size=10),
    length=st.integers(0, 16_000),
)
def test_words_cover_text_and_time_whatever_an_engine_reports(
    text: str, anchors: list[tuple[int, int]], length: int
) -> None:
    words = time_words(Clause(text, 7), start_sample=100, length_samples=length, anchors=anchors)
    if not text.strip():
        assert words == ()
        return
    assert words[0].start_char == 7
    assert words[-1].end_char == 7 + len(text)
    assert words[-1].end_sample == 100 + length
    for before, after in itertools.pairwise(words):
        assert before.end_char == after.start_char
        assert before.start_sample <= before.end_sample == after.start_sample
    assert [word.text for word in words] == text.split()
