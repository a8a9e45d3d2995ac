"""Numbers that are said, as they are written: a note has "30 days", a model says "thirty"."""

from __future__ import annotations

import re

UNITS = ("two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")

_SMALL = {"zero": 0, **{word: at for at, word in enumerate((*UNITS, *TEENS), start=2)}}
_TENS = {word: 10 * at for at, word in enumerate(TENS, start=2)}
_ONES = {"one": 1, **{word: at for at, word in enumerate(UNITS, start=2)}}
_LARGE = rf"(?P<tens>{'|'.join(_TENS)})(?:[- ](?P<ones>{'|'.join(_ONES)}))?"
_SAID = re.compile(rf"\b(?:{_LARGE}|(?P<small>{'|'.join(_SMALL)}))\b", re.IGNORECASE)


def in_digits(text: str) -> str:
    """Of English, from zero to ninety-nine. "One" alone is no number: it is in "one of them"."""
    return _SAID.sub(_written, text)


def numbers(text: str) -> frozenset[str]:
    return frozenset(DIGITS.findall(in_digits(text)))


def _written(said: re.Match[str]) -> str:
    if small := said["small"]:
        return str(_SMALL[small.lower()])
    return str(_TENS[said["tens"].lower()] + _ONES.get((said["ones"] or "").lower(), 0))
