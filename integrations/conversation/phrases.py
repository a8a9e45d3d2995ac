"""Short fixed sentences, recognised in what people write and in what the model says."""

from __future__ import annotations


def same_phrase(text: str, phrases: tuple[str, ...]) -> bool:
    """Whether a text is one of the phrases and nothing else, but for case and marks."""
    plain = _plain(text)
    return bool(plain) and plain in {_plain(phrase) for phrase in phrases}


def begins_phrase(text: str, phrases: tuple[str, ...]) -> bool:
    """Whether a text may become one of the phrases once more of it is known."""
    plain = _plain(text)
    return any(_plain(phrase).startswith(plain) for phrase in phrases)


def _plain(text: str) -> str:
    kept = "".join(c if c.isalnum() or c.isspace() else " " for c in text.casefold())
    return " ".join(kept.split())
