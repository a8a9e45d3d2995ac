"""How people write telephone numbers of their own country, and what else has as many digits:
dates, addresses of machines, fractions, what is counted, what is numbered.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from interject.agent.privacy.digits import run_length

if TYPE_CHECKING:
    from interject.agent.privacy.digits import DigitChain

MOST_GROUPS = 5
MOST_GAP = 4
TRUNKS = ("0", "1", "8")
"""What is dialled before a number of the same country, where it stands alone."""

MOST_STEP = 10

_CALLED = re.compile(
    r"\b(?:tel|tele[fp]h?on\w*|phones?|fon|call\w*|ring|dial|mobile|cell|handy|fax|text|whatsapp)\b"
    r"[ *:.#]{0,4}(?:(?:number|nr|no|me|us|her|him|them|is|at|on|unter)\b[ *:.#]{0,4}){0,3}\Z",
    re.IGNORECASE,
)
"""A word that says what the digits behind it are."""

_TIGHT = re.compile(r"[^\s(),]+")
_DATE = re.compile(
    r"[0-9]{1,2}([-./ ])[0-9]{1,2}\1(?:19|20)[0-9]{2}(?![0-9])"
    r"|(?:19|20)[0-9]{2}([-./ ])(?:0?[1-9]|1[0-2])\2[0-9]{1,2}(?![0-9])"
)
_ADDRESS = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})(?![0-9])")
_NO_PHONES = re.compile(
    r"[0-9]{5}-[0-9]{4}|[0-9]{3}-[0-9]{2}-[0-9]{4}|(?:19|20)[0-9]{2}[-/][0-9]+|[1-9][0-9]*\.[0-9]+"
)
"""ZIP+4, a social security number, what is numbered within a year, a fraction."""


def is_one_number(chain: DigitChain, sizes: tuple[int, ...], first: int, count: int) -> bool:
    """Nothing is joined to it, and not only some of what was said digit by digit is in it."""
    if _TIGHT.fullmatch(chain.gap(first)) or _TIGHT.fullmatch(chain.gap(first + count)):
        return False
    if sizes[first] == 1 and sizes[first : first + 2] == (1, 1):
        return run_length(chain, sizes, first, alike=True) == count
    return 1 not in sizes[first + 1 : first + count] and count <= MOST_GROUPS + 1


def is_shaped(chain: DigitChain, sizes: tuple[int, ...], first: int, count: int) -> bool:
    """Whether those groups are a number without a country's code as people write it."""
    if not is_one_number(chain, sizes, first, count) or _is_something_else(chain, first, count):
        return False
    group, *more = chain.window(first, count).groups
    if not more:
        return group[0] == "0" or (first == 0 and _is_called(chain))
    if _is_counted([int(one) for one in (group, *more)]):
        return False
    if set(map(len, more)) <= {1, 2}:
        return _is_run(chain, sizes, first, count)
    return count <= MOST_GROUPS and (len(group) > 1 or group in TRUNKS)


def _is_called(chain: DigitChain) -> bool:
    return _CALLED.search(chain.text, max(0, chain.start - 30), chain.start) is not None


def _is_something_else(chain: DigitChain, first: int, count: int) -> bool:
    """A list, or something that begins as a date or an address of a machine does."""
    gaps = [chain.gap(one) for one in range(first + 1, first + count)]
    if any("," in gap or len(gap) > MOST_GAP for gap in gaps):
        return True
    start, end = chain.spans[first][0], chain.spans[first + count - 1][1]
    if _ADDRESS.match(chain.text, start) or _NO_PHONES.fullmatch(chain.text, start, end):
        return True
    dates = (_DATE.match(chain.text, at) for at, _ in chain.spans[max(0, first - 2) : first + 1])
    return any(date is not None and date.end() > start for date in dates)


def _is_counted(values: list[int]) -> bool:
    steps = {after - before for before, after in pairwise(values)}
    digits = values[:9] == list(range(1, 10))
    return digits or (len(values) > 2 and len(steps) == 1 and abs(steps.pop()) <= MOST_STEP)


def _is_run(chain: DigitChain, sizes: tuple[int, ...], first: int, count: int) -> bool:
    """All of what is said digit by digit, or in pairs."""
    if count == 2 or run_length(chain, sizes, first, alike=True) != count:
        return count == 2
    if sizes[first] == 1:
        return True
    starts = chain.text[chain.spans[first][0]]
    return count == 4 or (count == MOST_GROUPS and starts == "0")
