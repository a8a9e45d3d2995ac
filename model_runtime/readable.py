"""What of a typed text a person could read."""

from __future__ import annotations

import unicodedata

CONTROL = "Cc"
INVISIBLE = frozenset({CONTROL, "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Me"})
"""By Unicode's categories: marks that control, format, part, or stand on another character."""


def readable(text: str) -> str:
    """Without control characters but line ends and tabs; nothing where none of it can be seen."""
    kinds = [unicodedata.category(letter) for letter in text]
    if INVISIBLE.issuperset(kinds):
        return ""
    kept = zip(text, kinds, strict=True)
    return "".join(letter for letter, kind in kept if kind != CONTROL or letter in "\t\r\n")
