"""Standard input, output and errors as a command finds them: closed, or in any encoding."""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import ReadableBuffer

UTF_8 = "utf-8"


def prepare() -> Sequence[int]:
    """Make standard output and errors ones that can take any text, and return what was closed.

    A closed descriptor is opened on nothing: else the next file that is opened would get its
    number, and with it what others print. A character that the encoding lacks becomes a mark.
    A reader that is slow is waited for, also where whoever shares the pipe made it non-blocking.
    """
    closed = [number for number in (0, 1, 2) if not _is_open(number)]
    for _ in closed:
        # The lowest free number is given.
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or _text(0, "r")
    sys.stdout = sys.stdout or _text(1, "w")
    sys.stderr = sys.stderr or _text(2, "w")
    sys.stdout = _patient(sys.stdout, "replace")
    sys.stderr = _patient(sys.stderr, "backslashreplace")
    return closed


def holds_unicode(out: TextIO) -> bool:
    """Whether it takes every character as it is; text in memory does."""
    return not out.encoding or codecs.lookup(out.encoding).name.startswith("utf")


class _PatientFile(io.FileIO):
    """One that is never too full: Python drops what a non-blocking pipe has no room for."""

    def write(self, data: ReadableBuffer, /) -> int:
        while (count := super().write(data)) is None:
            select.select([], [self], [])
        return count


def _patient(stream: TextIO, errors: str) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    file = _PatientFile(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=stream.encoding,
        errors=errors,
        line_buffering=stream.line_buffering or stream.write_through,
    )


def _text(number: int, mode: str) -> TextIO:
    return cast("TextIO", os.fdopen(number, mode, encoding=UTF_8, closefd=False))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
