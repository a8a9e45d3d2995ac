"""The pieces of notes that are found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_CHARS = 1_000
"""About what a person reads at a glance, and a model is given as one fact."""


@dataclass(frozen=True, slots=True)
class NoteSource:
    """Where a passage stands: `file` is its path in the folder, `heading` those that it stands
    below, `line` counts from one. A PDF has pages in place of lines.
    """

    file: str
    heading: str = ""
    line: int | None = None
    page: int | None = None

    def __str__(self) -> str:
        where = f"page {self.page}" if self.page is not None else f"line {self.line}"
        return ", ".join(part for part in (self.file, self.heading, where) if part)


@dataclass(frozen=True, slots=True)
class Passage:
    text: str = field(repr=False)
    source: NoteSource


def pieces(text: str) -> Iterator[str]:
    """On one line each, none longer than a passage may be."""
    rest = " ".join(text.split())
    while len(rest) > LONGEST_CHARS:
        at = rest.rfind(" ", 0, LONGEST_CHARS + 1)
        at = at if at > 0 else LONGEST_CHARS
        yield rest[:at]
        rest = rest[at:].lstrip()
    if rest:
        yield rest
