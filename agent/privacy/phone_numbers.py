"""Telephone numbers: with a country's code, or as the people of some countries write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.privacy.digits import DigitChain, beginnings, last_windows, open_chain_at
from interject.agent.privacy.personal_data import PersonalData
from interject.agent.privacy.phone_shapes import is_one_number, is_shaped

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAST_DIGITS, MOST_DIGITS = 7, 15
LEAST_SOLID = 9
MOST_OPEN = 6
ABROAD = "00"
ONE_DIGIT_CODES = "17"


class PhoneNumbers:
    """`countries` are two letters each. The library that knows their rules is opened with the
    first number that is written like one, and asked about no other.
    """

    def __init__(self, countries: tuple[str, ...]) -> None:
        self._countries = countries

    def find(self, text: str, since: int, until: int) -> Iterator[PersonalData]:
        for chain, sizes, first in beginnings(text, since, until):
            for count in reversed(_counts(sizes, first)):
                if self._is_number(chain, sizes, first, count):
                    end = chain.spans[first + count - 1][1]
                    yield PersonalData(chain.begins_at(first), end, "phone")
                    break

    def open_at(self, text: str) -> int:
        return open_chain_at(text)

    def begun(self, text: str) -> PersonalData | None:
        for window in last_windows(text):
            marked = text[window.start] == "+" or window.digits[0] == "0"
            if marked and MOST_OPEN < len(window.digits) <= MOST_DIGITS:
                return PersonalData(window.start, window.end, "phone")
        return None

    def _is_number(self, chain: DigitChain, sizes: tuple[int, ...], first: int, count: int) -> bool:
        digits = chain.window(first, count).digits
        if first == 0 and chain.text[chain.start] == "+":
            return not _is_amount(chain, sizes, count) and _is_international(digits)
        if first == 0 and _ends_a_word(chain):
            return False
        if digits.startswith(ABROAD) and is_one_number(chain, sizes, first, count):
            return _is_international(digits.removeprefix(ABROAD))
        if not is_shaped(chain, sizes, first, count):
            return False
        return any(_is_national(digits, country) for country in self._countries)


def _counts(sizes: tuple[int, ...], first: int) -> list[int]:
    """How many groups from there on have as many digits as a number."""
    counts, digits = [], 0
    for count, size in enumerate(sizes[first : first + MOST_DIGITS], start=1):
        digits += size
        if digits > MOST_DIGITS:
            break
        if digits >= LEAST_DIGITS:
            counts.append(count)
    return counts


def _is_amount(chain: DigitChain, sizes: tuple[int, ...], count: int) -> bool:
    """A plus stands before those, too."""
    if count == 1:
        return sizes[0] < LEAST_SOLID
    if any("," in chain.gap(one) for one in range(1, count)):
        return True
    code = chain.window(0, 1).digits
    return count == 2 and chain.gap(1) == "." and len(code) == 1 and code not in ONE_DIGIT_CODES


def _ends_a_word(chain: DigitChain) -> bool:
    before = chain.text[chain.start - 1 : chain.start]
    return before.isascii() and before.isalnum()


def _is_international(digits: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(f"+{digits}"))
    except phonenumbers.NumberParseException:
        return False


def _is_national(digits: str, country: str) -> bool:
    """With the 0 in front where the country dials one: that a matcher knows, which takes longer."""
    import phonenumbers
    from phonenumbers import Leniency, PhoneNumberMatcher

    try:
        if not phonenumbers.is_valid_number(phonenumbers.parse(digits, country)):
            return False
    except phonenumbers.NumberParseException:
        return False
    found = PhoneNumberMatcher(digits, country, leniency=Leniency.VALID, max_tries=1)
    return any(len(match.raw_string) == len(digits) for match in found)
