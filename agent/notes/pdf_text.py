"""The text of the PDF on standard input, page by page, as JSON: a program of its own.

Whoever put the file into the folder decides what it costs to read: a few kilobytes can ask for
minutes and gigabytes. So `pdf_note` runs this file as a process that has limits, and that imports
nothing of ours: the packages around it take longer to import than most PDFs to read.
"""

from __future__ import annotations

import io
import json
import logging
import resource
import sys

MOST_PAGES = 500
MOST_CHARS = 8 << 20
MOST_BYTES = 1 << 30
TOO_MUCH = 3
"""The exit status of one that gives up by itself."""


def limit(cpu_s: int) -> None:
    """Beyond its seconds of computing the system kills the process: waiting counts for nothing."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read(content: bytes) -> dict[str, object]:
    """`pages`, or the `reason` why there are none."""
    from pypdf import PdfReader
    from pypdf.errors import LimitReachedError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    texts: list[str] = []
    left = MOST_CHARS
    try:
        pages = PdfReader(io.BytesIO(content)).pages
        if (count := len(pages)) > MOST_PAGES:
            return {"reason": f"it has {count} pages; cut it into several of {MOST_PAGES} at most"}
        for page in pages:
            texts.append(page.extract_text())
            left -= len(texts[-1])
            if left < 0:
                return {"reason": f"it holds more than {MOST_CHARS >> 20} million letters"}
    except (MemoryError, LimitReachedError):
        sys.exit(TOO_MUCH)
    except Exception:  # Whatever a damaged file does to pypdf.
        return {"reason": "its text cannot be read; it is damaged or needs a password"}
    return {"pages": texts}


if __name__ == "__main__":
    limit(int(sys.argv[1]))
    json.dump(read(sys.stdin.buffer.read()), sys.stdout)
