"""Where in a text somebody's data stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from interject.config.privacy import KindName


@dataclass(frozen=True, slots=True)
class PersonalData:
    start: int
    end: int
    kind: KindName


class DataFinder(Protocol):
    """One kind of data in folded text. What it finds is of bounded length and depends on a bounded
    number of characters before it: a text may be read piece by piece.
    """

    def find(self, text: str, since: int, until: int) -> Iterator[PersonalData]:
        """What begins at `since` or behind it and before `until`."""

    def open_at(self, text: str) -> int:
        """From where on something may begin, or grow, by what follows: all before is decided."""

    def begun(self, text: str) -> PersonalData | None:
        """What the end of a text was becoming when it was broken off."""


def apart(findings: Iterable[PersonalData], *, least: int = 0) -> list[PersonalData]:
    """In order, the longest first of those that begin alike. Of one that overlaps another, or
    begins before `least`, the rest is left: a finding is clipped, and never dropped.
    """
    clipped: list[PersonalData] = []
    for one in sorted(findings, key=lambda found: (found.start, -found.end)):
        if one.end > least:
            clipped.append(replace(one, start=max(one.start, least)))
            least = one.end
    return clipped
