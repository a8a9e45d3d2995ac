"""Numbers of payment cards: 13 to 19 digits that begin as an issuer's do and end with Luhn's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.privacy.digits import DigitWindow, last_windows, open_chain_at, windows
from interject.agent.privacy.personal_data import PersonalData

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAST_DIGITS, MOST_DIGITS = 13, 19
MOST_OPEN = 6
"""Digits of a number that was broken off which tell of a bank and of nobody's account."""


class CardNumbers:
    def find(self, text: str) -> Iterator[PersonalData]:
        for window in windows(text, least=LEAST_DIGITS, most=MOST_DIGITS):
            if _is_grouped(window, text) and _has_issuer(window.digits) and _luhn(window.digits):
                yield PersonalData(window.start, window.end, "card")

    def open_at(self, text: str) -> int:
        return open_chain_at(text)

    def begun(self, text: str) -> PersonalData | None:
        for window in last_windows(text):
            if MOST_OPEN < len(window.digits) <= MOST_DIGITS and _has_issuer(window.digits):
                return PersonalData(window.start, window.end, "card")
        return None


def _has_issuer(digits: str) -> bool:
    """ISO/IEC 7812: 3 to 6 are for cards, 2200 to 2204 and 2221 to 2720 too, and 8 and 9 hold
    some countries' own.
    """
    if digits[0] == "2":
        return 2200 <= int(digits[:4]) <= 2204 or 2221 <= int(digits[:4]) <= 2720
    return digits[0] in "34568" or digits.startswith("9792")


def _is_grouped(window: DigitWindow, text: str) -> bool:
    """Numbers of a list have commas, too; those of a card are groups of one size."""
    if "," not in text[window.start : window.end]:
        return True
    return len({len(group) for group in window.groups[:-1]}) <= 1


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
