"""Short fixed sentences, recognised in what people write and in what the model says."""

from __future__ import annotations

from interject.config.lists import plain


def same_phrase(text: str, phrases: tuple[str, ...]) -> bool:
    """Whether a text is one of the phrases and nothing else, but for case and marks."""
    words = plain(text)
    return bool(words) and words in {plain(phrase) for phrase in phrases}


def begins_phrase(text: str, phrases: tuple[str, ...]) -> bool:
    """Whether a text may become one of the phrases once more of it is known."""
    words = plain(text)
    return any(plain(phrase).startswith(words) for phrase in phrases)
