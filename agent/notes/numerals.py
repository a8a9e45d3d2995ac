"""Numbers that are said, as they are written: a note has "30 days", a model says "thirty"."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
COUNTED = "second|minute|hour|day|week|month|year|euro|dollar|pound|franc|percent|per cent|time"
DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")

_VALUES = {
    "zero": 0,
    **{word: at for at, word in enumerate((*UNITS, *TEENS), start=1)},
    **{word: 10 * at for at, word in enumerate(TENS, start=2)},
}
_ONES = "|".join(UNITS)
_TENS = rf"(?:{'|'.join(TENS)})(?:[- ](?:{_ONES}))?"
_SMALL = rf"(?:{_TENS}|{'|'.join(TEENS)}|{_ONES})"
_BELOW = rf"(?:(?:(?:{_SMALL}|a)[- ])?hundred(?:[- ](?:and[- ])?{_SMALL})?|{_SMALL})"
_LARGE = rf"(?:{_BELOW}|a)[- ](?:thousand|million|billion)(?:[- ](?:and[- ])?{_BELOW})?"
_SAID = re.compile(rf"\b(?:{_LARGE}|{_BELOW}|zero)\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")
_ONE = re.compile(rf"[- ](?:{COUNTED})\b", re.IGNORECASE)
_SCALED = re.compile(rf"(?<![\d.,:])(\d+(?:[.,]\d+)?)[- ]({'|'.join(SCALES)})\b", re.IGNORECASE)
_PARTED = re.compile(
    "(?<![\\d.,])\\d{1,3}(?:([,'\u2019\u00a0\u2009\u202f])\\d{3})(?:\\1\\d{3})*(?!,?\\d)"
)
_ROUND = re.compile(r"(?<![\d.,])(\d+)\.00(?![.,]?\d)")
_FOOTNOTE = re.compile("(?<=\\d)[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_FRACTION = re.compile("(?<!\\d)(\\d{0,9}) ?([¼½¾])")


def in_digits(text: str) -> str:
    """Of English below a trillion. "One" is a number before what is counted, and not in "one of
    them". Digits of all scripts are ours; "1,000" is "1000", "3½" is "3.5", "12.00" is "12".
    """
    ours = text if text.isascii() else "".join(map(_ours, text))
    ours = _FRACTION.sub(_decimal, _FOOTNOTE.sub("", ours))
    whole = _PARTED.sub(lambda found: "".join(filter(str.isdigit, found[0])), ours)
    scaled = _SCALED.sub(_multiplied, _ROUND.sub(r"\1", whole))
    return _SAID.sub(_written, scaled)


def numbers(text: str) -> frozenset[str]:
    return frozenset(DIGITS.findall(in_digits(text)))


def _ours(character: str) -> str:
    return str(unicodedata.decimal(character, character))


def _decimal(found: re.Match[str]) -> str:
    value = Decimal(found[1] or 0) + Decimal(unicodedata.numeric(found[2]))
    return f"{value.normalize():f}"


def _multiplied(found: re.Match[str]) -> str:
    value = Decimal(found[1].replace(",", ".")) * SCALES[found[2].lower()]
    return f"{value.normalize():f}"


def _written(found: re.Match[str]) -> str:
    said = found[0].lower()
    if said == "one" and not _ONE.match(found.string, found.end()):
        return found[0]
    whole = part = 0
    for word in _WORD.findall(said):
        if word == "hundred":
            part = max(part, 1) * SCALES[word]
        elif word in SCALES:
            whole, part = whole + max(part, 1) * SCALES[word], 0
        else:
            part += _VALUES.get(word, 0)
    return str(whole + part)
