"""All scripts' digits, dashes, dots, spaces and line ends as plain ones, each in its place."""

from __future__ import annotations

import re
import unicodedata

INVISIBLE = ("Cc", "Cf", "Co", "Mn", "Me")
"""Joiners, marks and key caps: as `_`, which a number may hold and an address, too."""

_PLAIN = {
    **dict.fromkeys("\u115f\u1160\u2800\u3164\uffa0", "_"),
    **dict.fromkeys("\u2044\u2219\u22c5\u30fb", "·"),
    **dict.fromkeys("\u060c\u3001", ","),
}
_ESCAPES = {"%20": "   ", "%2d": "---", "%40": "__@"}
_ESCAPED = re.compile("|".join(_ESCAPES), re.IGNORECASE)
_ESCAPE_BEGUN = re.compile(r"%[24]?\Z")


class _Folds(dict[int, str]):
    """From a character to the one that it is taken for."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _folded(chr(code))
        return folded


def _folded(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    if character.isspace():
        return "\n" if character.splitlines() == [""] else " "
    if character in _PLAIN:
        return _PLAIN[character]
    category = unicodedata.category(character)
    if category == "Pd" or character == "\N{MINUS SIGN}":
        return "-"
    if category in INVISIBLE:
        return "_"
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 else character


_FOLDS = _Folds()


def fold(text: str) -> str:
    """As long as the text: a place in the one is the same place in the other. What a character
    becomes hangs on it alone, or on the web address's escape that it is part of.
    """
    folded = text.translate(_FOLDS)
    return _ESCAPED.sub(lambda match: _ESCAPES[match[0].lower()], folded) if "%" in text else folded


def certain(text: str) -> int:
    """So many characters fold alike, whatever follows."""
    begun = _ESCAPE_BEGUN.search(text, max(0, len(text) - 2))
    return len(text) if begun is None else begun.start()
