"""How far a reply has been heard, where a voice tells its words or only plays."""

from __future__ import annotations

CHARS_PER_S = 15.0
"""The pace of speech where a voice gives no word times."""


def matching_chars(text: str, heard: str) -> int:
    """How far into `text` its beginning `heard` reaches, with the space after the last word.

    Letters and digits are counted: filters in between may have taken marks and symbols away.
    """
    left = sum(character.isalnum() for character in heard)
    if not left:
        return 0
    at = 0
    while left and at < len(text):
        left -= text[at].isalnum()
        at += 1
    return _next_word(text, at)


def end_of_word(text: str, start: int, word: str) -> int | None:
    """Where `word` ends that is next in `text` from `start` on; None: other words are next.

    Only letters and digits are compared, whatever their case.
    """
    at = start
    for letter in filter(str.isalnum, word):
        at = _next_word(text, at)
        if at == len(text) or text[at].casefold() != letter.casefold():
            return None
        at += 1
    return _next_word(text, at)


def whole_words(text: str, chars: int) -> int:
    """The characters of the words that end within the first `chars`."""
    if chars >= len(text):
        return len(text)
    return text.rfind(" ", 0, chars + 1) + 1


def _next_word(text: str, at: int) -> int:
    while at < len(text) and not text[at].isalnum():
        at += 1
    return at
