"""The text of a PDF, page by page."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from interject.agent.notes import pdf_text
from interject.agent.notes.passage import NoteSource, Passage, pieces
from interject.agent.notes.text_note import PARAGRAPH
from interject.agent.notes.unreadable import UnreadableNote

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_S = 60.0
"""Also of a machine that has little time for it."""
MOST_CPU_S = 5


def pdf_passages(content: bytes, file: str, *, most_cpu_s: int = MOST_CPU_S) -> Iterator[Passage]:
    """:raises UnreadableNote: when it is damaged, locked, pictures of text, or costs too much."""
    if importlib.util.find_spec("pypdf") is None:
        raise UnreadableNote("a PDF needs pypdf; pip install 'interject[notes]'")
    pages = _pages(content, most_cpu_s)
    if not any(page.strip() for page in pages):
        raise UnreadableNote("it holds no text; a scan must be made searchable first")
    for number, text in enumerate(pages, start=1):
        source = NoteSource(file, page=number)
        for found in PARAGRAPH.finditer(text):
            yield from (Passage(piece, source) for piece in pieces(found[0]))


def _pages(content: bytes, most_cpu_s: int) -> list[str]:
    """:raises UnreadableNote: when there are none."""
    reader = (sys.executable, "-P", pdf_text.__file__, str(most_cpu_s))
    try:
        done = subprocess.run(
            reader, input=content, capture_output=True, timeout=LONGEST_S, check=True
        )
    except subprocess.SubprocessError:
        raise UnreadableNote(
            f"it takes more than {most_cpu_s} s or {pdf_text.MOST_BYTES >> 30} GiB to read; "
            "cut it into several, or save it as plain text"
        ) from None
    except OSError as exc:
        raise UnreadableNote(f"no process can be started to read it: {exc.strerror}") from exc
    found = json.loads(done.stdout)
    if reason := found.get("reason"):
        raise UnreadableNote(reason)
    return list(found["pages"])
