"""Digits that may be one number, however they are grouped: `4111 1111`, `4111-11 11`, `4 1 1 1`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BETWEEN = r"[\s\-._/(),·•]"
PREFIX = r"(?:\+ ?)?\(?"
MOST_HELD = 40
"""Digits: more than any number has, so what stands before the last ones is decided."""

_GROUP = re.compile(r"\d+", re.ASCII)
_CHAIN = re.compile(rf"{PREFIX}\d(?:{BETWEEN}{{0,3}}\d)*", re.ASCII)
_OPEN = re.compile(rf"(?:{PREFIX}\d(?:{BETWEEN}{{0,3}}\d)*{BETWEEN}{{0,3}}|\+ ?\(?|\()\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class DigitWindow:
    """Some whole groups of a chain. `start` and `end` are places in the text."""

    start: int
    end: int
    digits: str
    groups: tuple[str, ...]
    is_first: bool
    """Nothing of the chain stands before it."""


def windows(text: str, *, least: int, most: int) -> Iterator[DigitWindow]:
    """Every run of groups with `least` to `most` digits."""
    for chain in _CHAIN.finditer(text):
        groups = list(_GROUP.finditer(text, chain.start(), chain.end()))
        for first in range(len(groups)):
            digits = ""
            for last in range(first, len(groups)):
                digits += groups[last].group()
                if len(digits) > most:
                    break
                if len(digits) >= least:
                    yield DigitWindow(
                        start=groups[first].start() if first else chain.start(),
                        end=groups[last].end(),
                        digits=digits,
                        groups=tuple(one.group() for one in groups[first : last + 1]),
                        is_first=first == 0,
                    )


def open_chain_at(text: str) -> int:
    """Where the last `MOST_HELD` digits of the chain begin that more digits would lengthen."""
    chain = _OPEN.search(text)
    if chain is None:
        return len(text)
    groups = list(_GROUP.finditer(text, chain.start()))
    held = 0
    for group in reversed(groups[1:]):
        held += len(group.group())
        if held >= MOST_HELD:
            return group.start()
    return chain.start()


def last_windows(text: str) -> Iterator[DigitWindow]:
    """Those that reach the text's end, the longest first."""
    at = open_chain_at(text)
    tail = text[at:]
    groups = list(_GROUP.finditer(tail))
    for first, group in enumerate(groups):
        start = at + group.start() if first else at
        digits = tuple(one.group() for one in groups[first:])
        yield DigitWindow(start, at + groups[-1].end(), "".join(digits), digits, first == 0)
