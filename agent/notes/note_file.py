"""One file of a folder of notes: its passages, or why there are none."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from interject.agent.notes.markdown_note import markdown_passages
from interject.agent.notes.pdf_note import pdf_passages
from interject.agent.notes.text_note import text_passages
from interject.agent.notes.unreadable import UnreadableNote

if TYPE_CHECKING:
    from pathlib import Path

    from interject.agent.notes.passage import Passage

MARKDOWN = (".md", ".markdown")
TEXT = (".txt", ".text")
PDF = (".pdf",)
MOST_TEXT_BYTES = 512 << 10
MOST_PDF_BYTES = 16 << 20


def read_note(path: Path, name: str) -> tuple[Passage, ...]:
    """`name` is what its passages call it.

    :raises UnreadableNote: with the reason.
    """
    kind = path.suffix.lower()
    if kind not in (*MARKDOWN, *TEXT, *PDF):
        raise UnreadableNote("it is no note; those are .md, .txt and .pdf")
    try:
        content = _content(path, MOST_PDF_BYTES if kind in PDF else MOST_TEXT_BYTES)
    except OSError as exc:
        raise UnreadableNote(f"it cannot be read: {exc.strerror}") from exc
    if kind in PDF:
        return tuple(pdf_passages(content, name))
    text = _decoded(content)
    return tuple((markdown_passages if kind in MARKDOWN else text_passages)(text, name))


def _content(path: Path, most_bytes: int) -> bytes:
    if not path.is_file():
        raise UnreadableNote("it is neither a file nor a folder")
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise UnreadableNote(f"it is larger than {most_bytes >> 10} KiB; cut it into several")
    return content


def _decoded(content: bytes) -> str:
    """In UTF-8, or in UTF-16 with its mark, as Windows writes "Unicode"."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not wide and b"\0" in content:
        raise UnreadableNote("it is no text, but binary")
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UnreadableNote(f"its byte {exc.start + 1} is not UTF-8; save it as UTF-8") from exc
    return text.replace("\r\n", "\n").replace("\r", "\n")
