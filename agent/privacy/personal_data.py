"""Where in a text somebody's data stands."""

from __future__ import annotations

from dataclasses import dataclass
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
    """One kind of data in folded text. What it finds depends on no more than the character before
    it and on what it holds, and is of bounded length: a text may be read piece by piece.
    """

    def find(self, text: str) -> Iterator[PersonalData]: ...

    def open_at(self, text: str) -> int:
        """From where on the text may become a finding, or a longer one, by what follows."""

    def begun(self, text: str) -> PersonalData | None:
        """What the end of a text was becoming when it was broken off."""


def merged(findings: Iterable[PersonalData]) -> list[PersonalData]:
    """Those that overlap are one, of the kind that begins first."""
    apart: list[PersonalData] = []
    for one in sorted(findings, key=lambda found: (found.start, -found.end)):
        if apart and one.start < apart[-1].end:
            last = apart.pop()
            one = PersonalData(last.start, max(last.end, one.end), last.kind)
        apart.append(one)
    return apart
