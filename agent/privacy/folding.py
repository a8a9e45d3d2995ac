"""All scripts' digits, dashes and spaces as plain ones, each in its place."""

from __future__ import annotations

import unicodedata

INVISIBLE = ("Cf", "Mn", "Me")
"""Joiners, marks and key caps: as `_`, which a number may hold and an address, too."""


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
        return " "
    category = unicodedata.category(character)
    if category == "Pd" or character == "\N{MINUS SIGN}":
        return "-"
    if category in INVISIBLE:
        return "_"
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 else character


_FOLDS = _Folds()


def fold(text: str) -> str:
    """As long as the text: a place in the one is the same place in the other."""
    return text if text.isascii() else text.translate(_FOLDS)
