"""Folders of notes as people keep them, and as nobody should."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.agent.notes.notes import Notes
from interject.agent.notes.numerals import numbers
from interject.agent.notes.passage import LONGEST_CHARS, NoteSource, Passage
from interject.agent.notes.support import says
from interject.agent.notes.unreadable import NotesError
from tests.fakes.pdf import pdf_of

if TYPE_CHECKING:
    from pathlib import Path

PRICES = """---
title: Front matter says nothing
---
# Prices

We are open from 9 to 5, in **Zürich**
and at the Café Müller.

## Refunds

- Refunds take 14 days.
- Shipping is not
  refunded.

| Plan | Price |
|---|---|
| Basic | 10 EUR |
| Pro | 30 EUR |

```
# no heading, but code
```

# Support

Call us.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    notes = tmp_path / "notes"
    (notes / "more").mkdir(parents=True)
    (notes / "prices.md").write_text(PRICES, encoding="utf-8")
    (notes / "more" / "plain.txt").write_text(
        "One\nparagraph.\n\n \nAnother one.", encoding="utf-8"
    )
    (notes / "terms.pdf").write_bytes(pdf_of("General terms", "Cancellation within 30 days"))
    return notes


def found(notes: Notes, question: str, floor: float = 0.5) -> list[str]:
    return [str(match.passage.source) for match in notes.search(question, floor=floor)]


def test_passages_are_cut_where_the_writer_cut_them_and_say_where_they_stand(folder: Path) -> None:
    notes = Notes.read(folder)
    assert notes.skipped == ()
    assert found(notes, "When are you open?") == ["prices.md, Prices, line 6"]
    assert found(notes, "How long do refunds take?")[0] == "prices.md, Prices > Refunds, line 11"
    assert found(notes, "price of Pro")[0] == "prices.md, Prices > Refunds, line 18"
    assert found(notes, "code heading") == ["prices.md, Prices > Refunds, line 20"]
    assert found(notes, "call support") == ["prices.md, Support, line 26"]
    assert found(notes, "another paragraph", 0.3)[0].startswith("more/plain.txt, line ")
    assert found(notes, "cancellation in 30 days") == ["terms.pdf, page 2"]
    assert found(notes, "front matter") == []


def test_a_passage_reads_as_plain_words(folder: Path) -> None:
    notes = Notes.read(folder)
    texts = [match.passage.text for match in notes.search("Pro Zürich shipping", floor=0)]
    assert set(texts) == {
        "Plan: Pro; Price: 30 EUR",
        "We are open from 9 to 5, in Zürich and at the Café Müller.",
        "Shipping is not refunded.",
    }


@pytest.mark.parametrize("question", ["cafe muller", "CAFÉ MÜLLER", "the Cafe Mu\u0308ller?"])
def test_case_and_accents_make_no_difference(folder: Path, question: str) -> None:
    assert found(Notes.read(folder), question) == ["prices.md, Prices, line 6"]


@pytest.mark.parametrize(
    ("note", "question"),
    [
        ("Die Straße ist gesperrt", "die STRASSE ist gesperrt"),
        ("GRÖẞE", "größe"),
        ("The \ufb01nancial of\ufb01ce", "the financial office"),
        ("Infor\u00admation of the Immo\u00ad\nbilien", "information of the Immobilien"),
        ("Cafe\u0301 Mu\u0308ller", "café müller"),
        ("İstanbul şubesi", "istanbul şubesi"),
        ("\uff26\uff55\uff4c\uff4c \uff57\uff49\uff44\uff54\uff48", "full width"),
        ("a 5kg MP3 player", "a 5 kg mp3 player"),
        ("The fee is 1,000 euros", "the fee is 1000 euros"),
        ("ends after ٣٠ days", "ends after thirty days"),
    ],
)
def test_a_word_is_found_however_it_is_written(note: str, question: str) -> None:
    passage = Passage(note, NoteSource("note.txt", line=1))
    (match,) = Notes([passage, Passage("Else", NoteSource("note.txt", line=3))]).search(question)
    assert match.score == 1.0
    assert says(passage, question)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("thirty-three of twenty twenty-six", {"33", "20", "26"}),
        ("two hundred and fifty days, from nine to five", {"250", "9", "5"}),
        ("a hundred, one thousand two hundred, sixty-five thousand", {"100", "1200", "65000"}),
        ("2.5 million and 5 hundred", {"2500000", "500"}),
        ("1,000,000 or 1'000 or 9,000.50", {"1000000", "1000", "9000.50"}),
        ("3½ kg, ¼, 12.00, 14¹ days", {"3.5", "0.25", "12", "14"}),
        ("one of them in one week", {"1"}),
        ("192.168.100.200, 1.10 at 9:30", {"192.168.100.200", "1.10", "9:30"}),
    ],
)
def test_a_number_is_the_same_however_it_is_written(text: str, found: set[str]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize(
    "claim", ["within two hundred days", "within one day", "in 2 million days"]
)
def test_another_number_with_a_word_in_common_says_something_else(claim: str) -> None:
    assert not says(Passage("within 2 days", NoteSource("note.txt", line=1)), claim)


def test_a_score_is_the_share_of_what_the_question_is_about(folder: Path) -> None:
    notes = Notes.read(folder)
    whole, half = (
        notes.search(said, floor=0)[0]
        for said in ("Refunds take 14 days.", "Refunds take 99 years")
    )
    assert whole.score == 1.0
    assert 0 < half.score < 0.7
    assert notes.search("Refunds take 14 days", floor=0, most=1) == (whole,)
    assert notes.search("of the and to", floor=0) == ()


@pytest.mark.parametrize(
    "question",
    [
        '"',
        'refund" OR "',
        "NEAR(refund",
        "body: *",
        "heading:refund ^ - +",
        "(((",
        "\0",
        "\ud800",
        "",
    ],
)
def test_a_question_is_words_and_no_query_language(folder: Path, question: str) -> None:
    notes = Notes.read(folder)
    assert all("Refunds" in str(one.passage.source) for one in notes.search(question, floor=0))


def test_what_is_no_note_costs_one_clear_line_each(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("The password is swordfish.", encoding="utf-8")
    (folder / "linked.md").symlink_to(secret)
    (folder / "up").symlink_to(tmp_path)
    (folder / "nowhere.md").symlink_to(folder / "gone.md")
    (folder / "same.md").symlink_to("prices.md")
    (folder / "latin.txt").write_bytes("Öffnungszeiten".encode("latin-1"))
    (folder / "wide.txt").write_text("Windows writes this.", encoding="utf-16")
    (folder / "binary.md").write_bytes(b"\x7fELF\0\0")
    (folder / "huge.txt").write_bytes(b"a " * (1 << 19))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing of the kind")
    (folder / "scan.pdf").write_bytes(pdf_of(""))
    (folder / "sheet.xlsx").write_bytes(b"PK")
    (folder / ".hidden.md").write_text("# Hidden", encoding="utf-8")
    os.mkfifo(folder / "pipe.txt")
    notes = Notes.read(folder)
    assert notes.skipped == (
        "binary.md: it is no text, but binary",
        "broken.pdf: its text cannot be read; it is damaged or needs a password",
        "huge.txt: it is larger than 512 KiB; cut it into several",
        "latin.txt: its byte 1 is not UTF-8; save it as UTF-8",
        "linked.md: it is a link out of the folder, which is not followed",
        "nowhere.md: it is a link to nothing",
        "pipe.txt: it is neither a file nor a folder",
        "scan.pdf: it holds no text; a scan must be made searchable first",
        "sheet.xlsx: it is no note; those are .md, .txt and .pdf",
        "up: it is a link out of the folder, which is not followed",
    )
    assert found(notes, "password swordfish") == found(notes, "hidden") == []
    assert found(notes, "Windows writes this") == ["wide.txt, line 1"]
    assert found(notes, "price of Pro")[1].startswith("same.md")


def test_a_folder_that_holds_no_notes_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0")
    with pytest.raises(NotesError) as nothing:
        Notes.read(tmp_path)
    assert str(nothing.value).endswith("; picture.png: it is no note; those are .md, .txt and .pdf")
    with pytest.raises(NotesError, match="no such folder"):
        Notes.read(tmp_path / "gone")
    with pytest.raises(NotesError, match="it is no folder"):
        Notes.read(tmp_path / "picture.png")


def test_long_text_without_a_break_is_cut_between_words(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("word " * 500 + "needle", encoding="utf-8")
    (tmp_path / "run.md").write_text("x" * 2_500, encoding="utf-8")
    notes = Notes.read(tmp_path)
    assert len(notes) == 3 + 3
    (match,) = notes.search("needle")
    assert match.passage.text.endswith("word needle")
    assert len(match.passage.text) <= LONGEST_CHARS


SOME = Notes([Passage("Refunds take 14 days.", NoteSource("a.md", "Refunds", 1))])


@given(question=st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_whatever_is_asked_is_answered_in_order_or_not_at_all(question: str) -> None:
    assert all(0 <= match.score <= 1 for match in SOME.search(question, floor=0))
