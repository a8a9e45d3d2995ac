"""Cuts streaming text where a speaker would breathe, so that speech starts before the text ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BREAKS = frozenset(".,;:!?\N{HORIZONTAL ELLIPSIS}\N{EM DASH}")
WIDE_BREAKS = frozenset(
    "\N{IDEOGRAPHIC FULL STOP}\N{IDEOGRAPHIC COMMA}\N{FULLWIDTH COMMA}\N{FULLWIDTH FULL STOP}"
    "\N{FULLWIDTH EXCLAMATION MARK}\N{FULLWIDTH QUESTION MARK}\N{FULLWIDTH SEMICOLON}"
)
MAX_CLAUSE_CHARS = 160


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a reply with the place where it begins; pieces join to the whole text."""

    text: str = field(repr=False)
    start_char: int


class ClauseSplitter:
    """Holds the text that has no end yet.

    A mark ends a clause only where a space follows ("3.5" and "1,000" stay whole), so a clause is
    known one character after it ends. Text without marks is cut at a space after 160 characters,
    and in the middle of a word only where there is no space at all.
    """

    def __init__(self) -> None:
        self._pending = ""
        self._start_char = 0

    def push(self, text: str) -> list[Clause]:
        self._pending += text
        found: list[Clause] = []
        while (length := self._first_clause_chars()) > 0:
            found.append(self._take(length))
        return found

    def finish(self) -> list[Clause]:
        return [self._take(len(self._pending))] if self._pending else []

    def _take(self, length: int) -> Clause:
        clause = Clause(self._pending[:length], self._start_char)
        self._pending = self._pending[length:]
        self._start_char += length
        return clause

    def _first_clause_chars(self) -> int:
        text = self._pending
        lead = len(text) - len(text.lstrip())
        for at in range(lead, min(len(text), MAX_CLAUSE_CHARS)):
            if text[at] == "\n" or text[at] in WIDE_BREAKS:
                return at + 1
            if text[at].isspace() and text[at - 1] in BREAKS:
                return at + 1
        if len(text) <= MAX_CLAUSE_CHARS:
            return 0
        space = text.rfind(" ", lead, MAX_CLAUSE_CHARS)
        return space + 1 if space > lead else MAX_CLAUSE_CHARS


async def clauses(text: AsyncIterator[str]) -> AsyncIterator[Clause]:
    splitter = ClauseSplitter()
    async for part in text:
        for clause in splitter.push(part):
            yield clause
    for clause in splitter.finish():
        yield clause
