"""Fixed sentences are recognised alone, and while they are still being said."""

from __future__ import annotations

import pytest

from interject.integrations.conversation.phrases import begins_phrase, same_phrase


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("stop listening", True),
        ("Stop listening!", True),
        ("  STOP,  listening. ", True),
        ("please stop listening", False),
        ("don't stop listening", False),
        ("", False),
    ],
)
def test_a_phrase_counts_alone_whatever_its_marks(text: str, same: bool) -> None:
    assert same_phrase(text, ("stop listening",)) is same


def test_a_phrase_without_a_word_is_nobodys() -> None:
    assert not same_phrase("...", ("!", ""))


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("", True),
        ("I wi", True),
        (" I will stop", True),
        ("I will stop listening.", True),
        ("I will stop listening to that song.", False),
        ("Stop", False),
    ],
)
def test_what_may_still_become_a_phrase(text: str, begins: bool) -> None:
    assert begins_phrase(text, ("Good night.", "I will stop listening.")) is begins
    assert not begins_phrase(text, ())
