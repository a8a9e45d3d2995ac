"""Standard input, output and errors as a command finds them: closed, or in any encoding."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

UTF_8 = "utf-8"


def prepare() -> Sequence[int]:
    """Make standard output and errors ones that can take any text, and return what was closed.

    A closed descriptor is opened on nothing: else the next file that is opened would get its
    number, and with it what others print. A character that the encoding lacks becomes a mark.
    """
    closed = [number for number in (0, 1, 2) if not _is_open(number)]
    for _ in closed:
        # The lowest free number is given.
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or _text(0, "r")
    sys.stdout = sys.stdout or _text(1, "w")
    sys.stderr = sys.stderr or _text(2, "w")
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)
    return closed


def holds_unicode(out: TextIO) -> bool:
    """Whether it takes every character as it is; text in memory does."""
    return not out.encoding or codecs.lookup(out.encoding).name.startswith("utf")


def _text(number: int, mode: str) -> TextIO:
    return cast("TextIO", os.fdopen(number, mode, encoding=UTF_8, closefd=False))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
