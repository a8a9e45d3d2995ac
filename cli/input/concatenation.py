"""Whether a second sound file follows the one that is heard, as in `cat a.wav b.wav`."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from interject.cli.input.truncation import boxes, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.cli.input.input_file import InputFile

BEGINNINGS = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff", b"FORM")
UNKNOWN_32 = 2**32 - 1
MOST_BYTES = 2**62
"""A larger size stands for one that is not known."""
DS64_AT, W64_SIZE_AT = 20, 16


def end_of_first(container: str, file: InputFile) -> int | None:
    """Where the first file ends by its own header; none where it does not say.

    `container` is FFmpeg's name of the format. What FFmpeg hears joined (FLAC, MP3, Ogg, Matroska)
    is not looked at.
    """
    find = ENDS.get(container)
    return None if find is None else find(file)


def begins_another(file: InputFile, at: int) -> bool:
    start = file.at(at, 8)
    return start[:4] in BEGINNINGS or start[4:] == b"ftyp"


def _riff(file: InputFile) -> int | None:
    start = file.at(0, DS64_AT + 8).ljust(DS64_AT + 8, b"\0")
    order = ">" if start[:4] in (b"FORM", b"RIFX") else "<"
    size = int(struct.unpack(f"{order}I", start[4:8])[0])
    if size == UNKNOWN_32 and start[12:16] == b"ds64":
        size = int(struct.unpack("<Q", start[DS64_AT:])[0])
    elif is_placeholder(size):
        return None
    return 8 + size + size % 2 if size < MOST_BYTES else None


def _w64(file: InputFile) -> int | None:
    size = int(struct.unpack("<Q", file.at(W64_SIZE_AT, 8).ljust(8, b"\0"))[0])
    return size + -size % 8 if 0 < size < MOST_BYTES else None


def _mp4(file: InputFile) -> int | None:
    at = 0
    for kind, end in boxes(file.at):
        if kind == b"ftyp" and at:
            return at
        at = end
    return at


ENDS: dict[str, Callable[[InputFile], int | None]] = {
    "wav": _riff,
    "aiff": _riff,
    "w64": _w64,
    "mov,mp4,m4a,3gp,3g2,mj2": _mp4,
}
