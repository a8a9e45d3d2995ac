"""Plain text, cut at blank lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from interject.agent.notes.passage import NoteSource, Passage, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

PARAGRAPH = re.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")


def text_passages(text: str, file: str) -> Iterator[Passage]:
    line, until = 1, 0
    for found in PARAGRAPH.finditer(text):
        line += text.count("\n", until, found.start())
        until = found.start()
        yield from (Passage(piece, NoteSource(file, line=line)) for piece in pieces(found[0]))
