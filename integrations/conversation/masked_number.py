"""Telephone numbers as people may see them: with their last two digits."""

from __future__ import annotations

import re

SHOWN_DIGITS = 2
NUMBER = re.compile(r"\+?\d[\d\s().-]{5,}\d")
"""Seven digits or more: shorter ones are extensions and rooms."""


def masked(number: str) -> str:
    hidden = max(0, len(number) - SHOWN_DIGITS)
    return "*" * hidden + number[hidden:]


def with_masked_numbers(name: str) -> str:
    """A name that may be, or hold, a number: `sip:+4930123456@host`. An id that only begins or ends
    with digits is left as it is.
    """
    return NUMBER.sub(lambda found: _masked_if_number(name, found), name)


def _masked_if_number(name: str, found: re.Match[str]) -> str:
    before = name[found.start() - 1 : found.start()]
    after = name[found.end() : found.end() + 1]
    return found[0] if before.isalnum() or after.isalnum() else masked(found[0])
