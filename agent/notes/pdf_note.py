"""The text of a PDF, page by page."""

from __future__ import annotations

import io
import logging
from itertools import islice
from typing import TYPE_CHECKING

from interject.agent.notes.passage import NoteSource, Passage, pieces
from interject.agent.notes.text_note import PARAGRAPH
from interject.agent.notes.unreadable import UnreadableNote

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PAGES = 500


def pdf_passages(content: bytes, file: str) -> Iterator[Passage]:
    """:raises UnreadableNote: when it is damaged, locked, or pictures of text."""
    try:
        from pypdf import PdfReader
    except ModuleNotFoundError as exc:
        reason = "a PDF needs pypdf; pip install 'interject[notes]'"
        raise UnreadableNote(reason) from exc
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    try:
        pages = [
            page.extract_text() for page in islice(PdfReader(io.BytesIO(content)).pages, MOST_PAGES)
        ]
    except Exception as exc:  # Whatever a damaged file does to pypdf.
        reason = "its text cannot be read; it is damaged or needs a password"
        raise UnreadableNote(reason) from exc
    if not any(page.strip() for page in pages):
        raise UnreadableNote("it holds no text; a scan must be made searchable first")
    for number, text in enumerate(pages, start=1):
        source = NoteSource(file, page=number)
        for found in PARAGRAPH.finditer(text):
            yield from (Passage(piece, source) for piece in pieces(found[0]))
