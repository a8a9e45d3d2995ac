"""Telephone numbers: with a country's code, or as the people of some countries write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from interject.agent.privacy.digits import DigitWindow, last_windows, open_chain_at, windows
from interject.agent.privacy.personal_data import PersonalData

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAST_DIGITS, MOST_DIGITS = 7, 15
MOST_OPEN = 6
ABROAD = "00"
_DATE = re.compile(r"\d{1,2}([./-])\d{1,2}\1(19|20)\d\d|(19|20)\d\d([./-])\d{1,2}\4\d{1,2}")


class PhoneNumbers:
    """`countries` are two letters each. The library that knows their rules is opened with the
    first number.
    """

    def __init__(self, countries: tuple[str, ...]) -> None:
        self._countries = countries

    def find(self, text: str) -> Iterator[PersonalData]:
        for window in windows(text, least=LEAST_DIGITS, most=MOST_DIGITS):
            if _may_begin(window, text) and self._is_number(window, text):
                yield PersonalData(window.start, window.end, "phone")

    def open_at(self, text: str) -> int:
        return open_chain_at(text)

    def begun(self, text: str) -> PersonalData | None:
        for window in last_windows(text):
            marked = text[window.start] == "+" or window.digits[0] == "0"
            if marked and MOST_OPEN < len(window.digits) <= MOST_DIGITS:
                return PersonalData(window.start, window.end, "phone")
        return None

    def _is_number(self, window: DigitWindow, text: str) -> bool:
        if text[window.start] == "+":
            return _is_international(window.digits)
        if window.digits.startswith(ABROAD):
            return _is_international(window.digits.removeprefix(ABROAD))
        if _DATE.match(text, window.start):
            return False
        return any(_is_national(window.digits, country) for country in self._countries)


def _may_begin(window: DigitWindow, text: str) -> bool:
    """No list, as of what is counted. Of digits one by one not each begins a number, nor do those
    that a word ends with.
    """
    if "," in text[window.start : window.end]:
        return False
    if window.is_first:
        before = text[window.start - 1 : window.start]
        return text[window.start] == "+" or not (before.isascii() and before.isalnum())
    return len(window.groups[0]) > 1 or window.digits[0] == "0"


def _is_international(digits: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(f"+{digits}"))
    except phonenumbers.NumberParseException:
        return False


def _is_national(digits: str, country: str) -> bool:
    """With the 0 in front where the country dials one."""
    from phonenumbers import Leniency, PhoneNumberMatcher

    found = PhoneNumberMatcher(digits, country, leniency=Leniency.VALID, max_tries=1)
    return any(len(match.raw_string) == len(digits) for match in found)
