"""Digits that may be one number, however they are grouped: `4111 1111`, `4111-11 11`, `4 1 1 1`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BETWEEN = r"[\s\-._/(),·•…*~|]"
MOST_BETWEEN = 7
GAP = rf"{BETWEEN}{{0,{MOST_BETWEEN}}}"
ENOUGH_DIGITS = 20
"""More than a number has: what begins so many digits ago is decided, whatever follows."""

REACH = ENOUGH_DIGITS * (1 + MOST_BETWEEN)
"""Characters that so many digits take at most."""

_PREFIX = r"(?:\+\s{0,3})?\(?"
_GROUP = re.compile(rf"[0-9](?:_{{0,{MOST_BETWEEN}}}[0-9])*")
"""What cannot be seen parts nothing."""

_CHAIN = re.compile(rf"{_PREFIX}[0-9](?:{GAP}[0-9])*")
_GOES_ON = re.compile(rf"{GAP}\Z")
_BEGINS = re.compile(r"(?:\+\s{0,3}\(?|\()\Z")


@dataclass(frozen=True, slots=True)
class DigitWindow:
    """Some whole groups of a chain. `start` and `end` are places in the text."""

    start: int
    end: int
    groups: tuple[str, ...]

    @property
    def digits(self) -> str:
        return "".join(self.groups)


@dataclass(frozen=True, slots=True)
class DigitChain:
    """Groups with nothing but marks and spaces between them. `start` counts a + or ( before."""

    text: str
    start: int
    spans: tuple[tuple[int, int], ...]

    def sizes(self) -> tuple[int, ...]:
        """In digits."""
        return tuple(end - start - self.text.count("_", start, end) for start, end in self.spans)

    def begins_at(self, first: int) -> int:
        return self.spans[first][0] if first else self.start

    def gap(self, before: int) -> str:
        """What stands between that group and the one before it."""
        if not 0 < before < len(self.spans):
            return ""
        return self.text[self.spans[before - 1][1] : self.spans[before][0]]

    def window(self, first: int, count: int) -> DigitWindow:
        spans = self.spans[first : first + count]
        groups = tuple(self.text[start:end].replace("_", "") for start, end in spans)
        return DigitWindow(self.begins_at(first), spans[-1][1], groups)


def chains(text: str, since: int = 0) -> Iterator[DigitChain]:
    """Those that reach beyond `since`. What stands two reaches before it is not looked at."""
    for match in _CHAIN.finditer(text, max(0, since - 2 * REACH)):
        if match.end() <= since:
            continue
        spans = tuple(one.span() for one in _GROUP.finditer(text, match.start(), match.end()))
        yield DigitChain(text, match.start(), spans)


def beginnings(
    text: str, since: int, until: int
) -> Iterator[tuple[DigitChain, tuple[int, ...], int]]:
    """Each group that a number may begin with there: its chain, the chain's sizes, its index."""
    for chain in chains(text, since):
        sizes = chain.sizes()
        for first in range(len(sizes)):
            if since <= chain.begins_at(first) < until:
                yield chain, sizes, first


def open_chain_at(text: str) -> int:
    """Where the first number begins that more digits would make or lengthen."""
    last = _last_chain(text)
    if last is None:
        begins = _BEGINS.search(text, max(0, len(text) - 5))
        return len(text) if begins is None else begins.start()
    sizes, held, at = last.sizes(), 0, len(text)
    for first in reversed(range(len(last.spans))):
        held += sizes[first]
        if held >= ENOUGH_DIGITS:
            return at
        at = last.begins_at(first)
    return at


def last_windows(text: str) -> Iterator[DigitWindow]:
    """Those that reach the text's end, the longest first."""
    last = _last_chain(text)
    if last is None:
        return
    for first in range(len(last.spans)):
        yield last.window(first, len(last.spans) - first)


def run_length(
    chain: DigitChain, sizes: tuple[int, ...], first: int, *, alike: bool = False
) -> int:
    """How many groups of one size begin there, with `alike` parted in one way: 0 in the midst of
    them; more than enough is enough.
    """
    gap = chain.gap(first + 1)

    def goes_on(one: int) -> bool:
        same = 0 < one < len(sizes) and sizes[one] == sizes[one - 1]
        return same and (not alike or chain.gap(one) == gap)

    if goes_on(first):
        return 0
    end = first + 1
    while end - first < ENOUGH_DIGITS and goes_on(end):
        end += 1
    return end - first


def _last_chain(text: str) -> DigitChain | None:
    """The one that the text ends in, as far as it matters."""
    found = [*chains(text[-REACH - MOST_BETWEEN :])]
    last = found[-1] if found else None
    if last is None or not _GOES_ON.match(last.text, last.spans[-1][1]):
        return None
    left_out = len(text) - len(last.text)
    spans = tuple((start + left_out, end + left_out) for start, end in last.spans)
    return DigitChain(text, last.start + left_out, spans)
