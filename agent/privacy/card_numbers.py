"""Numbers of payment cards: 13 to 19 digits that begin as an issuer's do and end with Luhn's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.privacy.digits import (
    DigitChain,
    beginnings,
    last_windows,
    open_chain_at,
    run_length,
)
from interject.agent.privacy.personal_data import PersonalData

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAST_DIGITS, MOST_DIGITS = 13, 19
USUAL_DIGITS, USUAL_PAIRS = 16, 8
DEVICE_DIGITS, DEVICES = 15, ("35", "86")
"""An IMEI has Luhn's digit, too. No card of fifteen digits begins so."""
GROUPINGS = frozenset(
    {
        (4, 4, 4, 4), (4, 4, 4, 4, 2), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 4, 5),
        (8, 8), (8, 4, 4), (4, 8, 4), (4, 4, 8), (12, 4), (4, 12),
    }
)  # fmt: skip
MOST_OPEN = 6
"""Digits of a number that was broken off which tell of a bank and of nobody's account."""


class CardNumbers:
    def find(self, text: str, since: int, until: int) -> Iterator[PersonalData]:
        for chain, sizes, first in beginnings(text, since, until):
            for count in _counts(chain, sizes, first):
                window = chain.window(first, count)
                if _is_card(window.digits):
                    yield PersonalData(window.start, window.end, "card")

    def open_at(self, text: str) -> int:
        return open_chain_at(text)

    def begun(self, text: str) -> PersonalData | None:
        for window in last_windows(text):
            if MOST_OPEN < len(window.digits) <= MOST_DIGITS and _has_issuer(window.digits):
                return PersonalData(window.start, window.end, "card")
        return None


def _counts(chain: DigitChain, sizes: tuple[int, ...], first: int) -> Iterator[int]:
    """How many groups from there on are grouped as people write and say cards."""
    size = sizes[first]
    if LEAST_DIGITS <= size <= MOST_DIGITS and not _is_fraction(chain, sizes, first):
        yield 1
    for count in (2, 3, 4, 5):
        if sizes[first : first + count] in GROUPINGS and not _is_list(chain, sizes, first, count):
            yield count
    if size > 2:
        return
    for count in {run_length(chain, sizes, first, alike=alike) for alike in (False, True)}:
        if LEAST_DIGITS <= count * size <= MOST_DIGITS and (size == 1 or count == USUAL_PAIRS):
            yield count
            if size == 1 and count > USUAL_DIGITS:
                yield USUAL_DIGITS


def _is_fraction(chain: DigitChain, sizes: tuple[int, ...], first: int) -> bool:
    return chain.gap(first) == "." and sizes[first - 1] < 4


def _is_list(chain: DigitChain, sizes: tuple[int, ...], first: int, count: int) -> bool:
    """Numbers of a list have commas, too; those of a card are groups of one size."""
    commas = any("," in chain.gap(one) for one in range(first + 1, first + count))
    return commas and len(set(sizes[first : first + count - 1])) > 1


def _is_card(digits: str) -> bool:
    is_device = len(digits) == DEVICE_DIGITS and digits.startswith(DEVICES)
    return _has_issuer(digits) and not is_device and _luhn(digits)


def _has_issuer(digits: str) -> bool:
    """ISO/IEC 7812: 3 to 6 are for cards, 2200 to 2204 and 2221 to 2720 too, and 8 and 9 hold
    some countries' own.
    """
    if digits[0] == "2":
        return 2200 <= int(digits[:4]) <= 2204 or 2221 <= int(digits[:4]) <= 2720
    return digits[0] in "34568" or digits.startswith("9792")


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
