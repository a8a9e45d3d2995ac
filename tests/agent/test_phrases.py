"""Fixed sentences are recognised alone, and while they are still being said."""

from __future__ import annotations

import pytest

from interject.agent.phrases import begins_phrase, same_phrase, wishes_phrase


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


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("Stop listening.", True),
        ("please stop listening", True),
        ("Stop listening, please!", True),
        ("Interject, stop listening", True),
        ("@interject stop listening now", True),
        ("please stop listening to us", True),
        ("You can stop listening now.", True),
        ("Could you please stop listening? Thank you!", True),
        ("don't stop listening", False),
        ("I cannot stop listening to that song", False),
        ("they said stop listening and left", False),
        ("stop", False),
        ("please", False),
        ("", False),
    ],
)
def test_a_wish_may_be_written_politely_but_says_nothing_else(text: str, wishes: bool) -> None:
    assert wishes_phrase(text, ("", "be quiet", "stop listening")) is wishes


def test_a_phrase_of_a_profile_may_hold_courtesies_itself() -> None:
    assert wishes_phrase("Now, please stop now, thank you.", ("please stop now",))
    assert not wishes_phrase("stop now", ("please stop now",))
    assert not wishes_phrase("please", ("!",))
