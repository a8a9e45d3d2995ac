"""PDFs of a line a page, written by hand: what a word processor leaves in a folder, and what nobody
does by accident.
"""

from __future__ import annotations

import zlib

FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def pdf_of(*pages: str) -> bytes:
    drawn = (f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode("latin-1") for text in pages)
    return _file([_stream(one) for one in drawn])


def endless_pdf() -> bytes:
    """A few kilobytes that are four million words."""
    words = zlib.compress(b"BT /F1 12 Tf 72 720 Td " + b"(a) Tj " * 4_000_000 + b"ET", 9)
    return _file([_stream(words, "/Filter /FlateDecode")])


def _stream(data: bytes, filtered: str = "") -> bytes:
    return f"<< {filtered} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def _file(contents: list[bytes]) -> bytes:
    """A page each."""
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        FONT.encode(),
    ]
    for at, content in enumerate(contents):
        shape = "/MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >>"
        page = f"<< /Type /Page /Parent 2 0 R {shape} /Contents {5 + 2 * at} 0 R >>"
        objects += [page.encode(), content]
    written, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(written))
        written += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    tail = f"trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{len(written)}\n%%EOF\n"
    return written + f"xref\n0 {size}\n0000000000 65535 f \n{table}{tail}".encode()
