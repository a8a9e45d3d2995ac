"""What a file says about its own length: PyAV believes the disk instead."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

OGG_TAIL_BYTES = 65_536
OGG_LAST_PAGE = 4
UNKNOWN_SIZES = (0, 0xFFFF_FFFF)


def declared_wav_s(path: Path) -> float | None:
    """Seconds of sound by the header of a WAV; none for another format or a growing file."""
    with path.open("rb") as file:
        magic = file.read(12)
        if magic[:4] != b"RIFF" or magic[8:12] != b"WAVE":
            return None
        return _data_s(file)


def _data_s(file: BinaryIO) -> float | None:
    bytes_per_s = 0
    while len(head := file.read(8)) == 8:
        kind, size = struct.unpack("<4sI", head)
        if kind == b"data":
            known = bytes_per_s and size not in UNKNOWN_SIZES
            return size / bytes_per_s if known else None
        if kind == b"fmt ":
            shape = file.read(16)
            if len(shape) < 16:
                return None
            bytes_per_s = struct.unpack("<I", shape[8:12])[0]
            file.seek(size - 16 + size % 2, 1)
        else:
            file.seek(size + size % 2, 1)
    return None


def ends_early(path: Path) -> bool:
    """Whether an Ogg file lacks its last page: the format declares no length up front."""
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return False
        file.seek(0, 2)
        file.seek(max(0, file.tell() - OGG_TAIL_BYTES))
        tail = file.read()
    last = tail.rfind(b"OggS")
    return last < 0 or len(tail) < last + 6 or not tail[last + 5] & OGG_LAST_PAGE
