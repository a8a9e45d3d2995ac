"""Whether a file is cut, by what it says of its own length: in bytes or samples where it does."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from interject.cli.input.mpeg_audio import declared_mp3_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.cli.input.input_file import InputFile

CUT_TOLERANCE_S = 0.25
"""Encoders pad and trim at the ends; a length may be off by this much in a whole file."""
OGG_LAST_PAGE = 4
MAX_PARTS = 1_000_000
SLOPPY_BYTES = 16
"""Some writers are wrong by a header or a byte of padding."""
HEADER_BYTES = 512
LONG_WAVS = (b"RF64", b"BW64", b"riff")
UNKNOWN_LONG = (b"\0" * 8, b"\xff" * 8)
ENDLESS = (2**60).to_bytes(8, "little")
PLACEHOLDER_SPAN = 0x1_0000
LEAST_PLACEHOLDER = 1_000_000_000


def whole_s(container: str, file: InputFile, heard_s: float) -> float | None:
    """How long the sound was before the file was cut, infinite where it does not say; none for a
    whole file, and for one that says nothing of its length.

    `container` is FFmpeg's name of the format, `heard_s` what could be read.
    """
    check = CHECKS.get(container)
    said_s = None if check is None else check(file, heard_s)
    return said_s if said_s is not None and said_s > heard_s + CUT_TOLERANCE_S else None


def is_placeholder(size: int) -> bool:
    """Whether a length in 32 bits is what writers put down that do not know it yet: 0, something
    close to what fits into 31 or 32 bits, or a large round number.
    """
    close = any(abs(size - most) <= PLACEHOLDER_SPAN for most in (2**31, 2**32))
    large = size >= LEAST_PLACEHOLDER and not (size % 1_000_000 and size % 2**20)
    return size == 0 or close or large


def mended_start(file: InputFile) -> bytes:
    """What to read in place of the first bytes of an RF64 or a W64 that was never finished; FFmpeg
    takes the unknown length in it for none.
    """
    start = file.peek(HEADER_BYTES) if file.peek(4) in LONG_WAVS else b""
    if start[12:16] == b"ds64" and start[28:36] in UNKNOWN_LONG:
        return b"RIFF"
    if not start.startswith(b"riff") or start[16:24] not in UNKNOWN_LONG:
        return b""
    data = start.find(b"data", 40)
    return start[:16] + ENDLESS + start[24 : data + 16] + ENDLESS if data > 0 else b""


def _wav(file: InputFile, heard_s: float) -> float | None:
    """Bytes are counted: the rate of bytes in a header may be wrong."""
    order = ">" if file.at(0, 4) == b"RIFX" else "<"
    long_size = 0
    for kind, at, size in _chunks(file, 12, f"{order}4sI"):
        if kind == b"ds64":
            long_size = int(struct.unpack("<Q", file.at(at + 8, 8).ljust(8, b"\0"))[0])
        if kind == b"data":
            is_long = size == 2**32 - 1 and 0 < long_size < 2**62
            said = long_size if is_long else size
            known = is_long or not is_placeholder(size)
            return _in_proportion(said, file.size - at, heard_s) if known else None
    return None


def _w64(file: InputFile, heard_s: float) -> float | None:
    said = int(struct.unpack("<Q", file.at(16, 8).ljust(8, b"\0"))[0])
    return _in_proportion(said, file.size, heard_s) if said < 2**62 else None


def _riff(file: InputFile, _heard_s: float) -> float | None:
    order = ">" if file.at(0, 4) == b"FORM" else "<"
    size = int(struct.unpack(f"{order}I", file.at(4, 4).ljust(4, b"\0"))[0])
    return None if is_placeholder(size) else _cut(8 + size, file)


def _au(file: InputFile, heard_s: float) -> float | None:
    start, size = struct.unpack(">II", file.at(4, 8).ljust(8, b"\0"))
    return None if is_placeholder(size) else _in_proportion(size, file.size - start, heard_s)


def _in_proportion(said: int, there: int, heard_s: float) -> float | None:
    return heard_s * said / there if said > there > 0 else None


def _cut(end: int, file: InputFile) -> float | None:
    return math.inf if end > file.size + SLOPPY_BYTES else None


def _chunks(file: InputFile, at: int, shape: str) -> Iterator[tuple[bytes, int, int]]:
    """Kind, place and size of each chunk of a RIFF file, one after another."""
    for _ in range(MAX_PARTS):
        head = file.at(at, 8)
        if len(head) < 8:
            return
        kind, size = struct.unpack(shape, head)
        yield kind, at + 8, size
        at += 8 + size + size % 2


def _flac(file: InputFile, _heard_s: float) -> float | None:
    """The first block of metadata says how many samples there are, or 0."""
    head = file.at(0, 26)
    if head[:4] != b"fLaC" or len(head) < 26:
        return None
    shape = int.from_bytes(head[18:26], "big")
    rate_hz, samples = shape >> 44, shape & (2**36 - 1)
    return samples / rate_hz if rate_hz and samples else None


def _mp3(file: InputFile, _heard_s: float) -> float | None:
    return declared_mp3_s(file)


def _ogg(file: InputFile, _heard_s: float) -> float | None:
    """Whether its last page, or the packet in it, goes on. A stream that was recorded may lack the
    mark of a last page, and is whole all the same.
    """
    tail = file.tail()
    page = tail[max(0, tail.rfind(b"OggS")) :]
    lacing = page[27 : 27 + page[26]] if len(page) > 26 else b""
    if not lacing or len(page) < 27 + page[26] + sum(lacing):
        return math.inf
    goes_on = lacing[-1] == 255 and not page[5] & OGG_LAST_PAGE
    return math.inf if goes_on else None


def _matroska(file: InputFile, _heard_s: float) -> float | None:
    """Where the segment ends, unless it was written live and does not say."""
    _, header_at, header_size = _element(file, 0)
    if header_size is None:
        return None
    kind, at, size = _element(file, header_at + header_size)
    return None if kind != 0x18538067 or size is None else _cut(at + size, file)


def _element(file: InputFile, at: int) -> tuple[int, int, int | None]:
    """Kind, place and size of an element of EBML."""
    head = file.at(at, 12)
    if len(head) < 12:
        return 0, at, None
    kind_bytes = 9 - head[0].bit_length()
    size_bytes = 9 - head[kind_bytes].bit_length() if kind_bytes <= 4 else 9
    if size_bytes > 8 or kind_bytes + size_bytes > len(head):
        return 0, at, None
    most = (1 << 7 * size_bytes) - 1
    size = int.from_bytes(head[kind_bytes : kind_bytes + size_bytes], "big") & most
    kind = int.from_bytes(head[:kind_bytes], "big")
    return kind, at + kind_bytes + size_bytes, None if size == most else size


def _mp4(file: InputFile, _heard_s: float) -> float | None:
    *_, (_kind, end) = [(b"", 0), *boxes(file.at)]
    return _cut(end, file)


def boxes(look: Callable[[int, int], bytes]) -> Iterator[tuple[bytes, int]]:
    """Kind and end of each outermost box of an MP4; `look` gets bytes by place and number."""
    at = 0
    for _ in range(MAX_PARTS):
        head = look(at, 16)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head[:8])
        if size == 1 and len(head) == 16:
            size = int(struct.unpack(">Q", head[8:])[0])
        if size < 8 or not kind.isalnum():
            return
        at += size
        yield kind, at


CHECKS: dict[str, Callable[[InputFile, float], float | None]] = {
    "wav": _wav,
    "w64": _w64,
    "avi": _riff,
    "aiff": _riff,
    "au": _au,
    "flac": _flac,
    "mp3": _mp3,
    "ogg": _ogg,
    "matroska,webm": _matroska,
    "mov,mp4,m4a,3gp,3g2,mj2": _mp4,
}
