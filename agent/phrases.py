"""Short fixed sentences, recognised in what people write and in what the model says."""

from __future__ import annotations

from interject.config.lists import plain

COURTESIES = frozenset(
    {
        "again", "agent", "can", "could", "everybody", "everyone", "hello", "hey", "hi",
        "interject", "just", "kindly", "me", "now", "ok", "okay", "please", "thank", "thanks",
        "to", "us", "will", "would", "you",
    }
)  # fmt: skip
"""What people write before or behind a wish without wishing anything else."""


def same_phrase(text: str, phrases: tuple[str, ...]) -> bool:
    """Whether a text is one of the phrases and nothing else, but for case and marks."""
    words = plain(text)
    return bool(words) and words in {plain(phrase) for phrase in phrases}


def wishes_phrase(text: str, phrases: tuple[str, ...]) -> bool:
    """Whether somebody wrote one of the phrases, be it politely or to the agent by name.

    A word that is no courtesy makes another sentence of it: "don't stop listening".
    """
    words = plain(text).split()
    wished = [plain(phrase).split() for phrase in phrases]
    return any(_is_wish(words, phrase) for phrase in wished if phrase)


def begins_phrase(text: str, phrases: tuple[str, ...]) -> bool:
    """Whether a text may become one of the phrases once more of it is known."""
    words = plain(text)
    return any(plain(phrase).startswith(words) for phrase in phrases)


def _is_wish(words: list[str], phrase: list[str]) -> bool:
    count = len(phrase)
    return any(
        words[start : start + count] == phrase
        and COURTESIES.issuperset(words[:start])
        and COURTESIES.issuperset(words[start + count :])
        for start in range(len(words) - count + 1)
    )
