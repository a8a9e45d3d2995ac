"""Archives that hold sound files inside packages. What is broken raises `BrokenArchive`."""

from __future__ import annotations

import io
import struct
import wave
import zipfile
import zlib
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from interject.training.recordings.source import ArchiveFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SUFFIXES = (".wav", ".ogg", ".oga", ".mp3", ".flac")
_C4_HEADER, _C4_ENTRY = 204, 316
_SAMPLE, _LOOPS = 53, 54
"""Numbers of a SoundFont's settings: which sample, and whether it goes on while a key is held."""
_HELD_S = 4.0


class BrokenArchive(Exception):
    """One line, without the file's name."""


def unpack_archive(path: Path, format_: ArchiveFormat, folder: Path) -> None:
    """Writes the sounds of an archive, and no other file.

    :raises BrokenArchive: when it is none of its format, or damaged.
    """
    try:
        for name, data in _READERS[format_](path):
            if not name.lower().endswith(SUFFIXES):
                continue
            parts = PurePosixPath(name).parts
            if ".." in parts or PurePosixPath(name).is_absolute():
                raise BrokenArchive(f"holds a file outside of it: {name}")
            target = folder.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    except (struct.error, zlib.error, zipfile.BadZipFile, UnicodeDecodeError, LookupError) as error:
        raise BrokenArchive(f"is no {format_} archive, or is damaged ({error})") from None


def _zip(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield info.filename, archive.read(info)


def _c4group(path: Path) -> Iterator[tuple[str, bytes]]:
    """A gzip stream whose first two bytes are changed, and a group in it."""
    packed = b"\x1f\x8b" + path.read_bytes()[2:]
    yield from _c4_entries(zlib.decompressobj(31).decompress(packed), "")


def _c4_entries(group: bytes, folder: str) -> Iterator[tuple[str, bytes]]:
    """The header is scrambled: each byte xor 237, the outer two of every three swapped."""
    header = bytearray(byte ^ 237 for byte in group[:_C4_HEADER])
    for at in range(0, _C4_HEADER - 2, 3):
        header[at], header[at + 2] = header[at + 2], header[at]
    if not header.startswith(b"RedWolf Design GrpFolder"):
        raise BrokenArchive("is no c4group archive")
    (count,) = struct.unpack_from("<i", header, 36)
    start = _C4_HEADER + _C4_ENTRY * count
    for number in range(count):
        entry = group[_C4_HEADER + _C4_ENTRY * number :][:_C4_ENTRY]
        name = folder + entry[:260].split(b"\0")[0].decode("latin-1")
        _packed, is_group, size, _entry_size, offset = struct.unpack_from("<5i", entry, 260)
        data = group[start + offset :][:size]
        if len(data) < size:
            raise BrokenArchive(f"is cut in {name}")
        if is_group:
            yield from _c4_entries(data, f"{name}/")
        else:
            yield name, data


def _rcc(path: Path) -> Iterator[tuple[str, bytes]]:
    """A tree of names over data blocks, each of which may be compressed."""
    data = path.read_bytes()
    if not data.startswith(b"qres"):
        raise BrokenArchive("is no rcc archive")
    version, tree, blocks, names = struct.unpack_from(">IIII", data, 4)
    size = 22 if version >= 2 else 14

    def name_at(offset: int) -> str:
        (length,) = struct.unpack_from(">H", data, names + offset)
        return data[names + offset + 6 :][: 2 * length].decode("utf-16-be")

    def node(number: int, folder: str) -> Iterator[tuple[str, bytes]]:
        at = tree + number * size
        name_offset, flags = struct.unpack_from(">IH", data, at)
        name = folder + name_at(name_offset) if number else ""
        if flags & 2:
            count, first = struct.unpack_from(">II", data, at + 6)
            for child in range(first, first + count):
                yield from node(child, f"{name}/" if name else "")
            return
        (offset,) = struct.unpack_from(">I", data, at + 10)
        (length,) = struct.unpack_from(">I", data, blocks + offset)
        block = data[blocks + offset + 4 :][:length]
        if flags & 4:
            raise BrokenArchive(f"{name} is compressed with zstd, which is not read")
        yield name, zlib.decompress(block[4:]) if flags & 1 else block

    yield from node(0, "")


def _sf2(path: Path) -> Iterator[tuple[str, bytes]]:
    """A SoundFont's samples, each a WAV file. One that is meant to be held goes on for a while."""
    data = path.read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise BrokenArchive("is no sf2 archive")
    parts = dict(_riff_parts(data, 12, len(data)))
    held = _held_samples(parts)
    for number, entry in enumerate(list(struct.iter_unpack("<20s5I6x", parts[b"shdr"]))[:-1]):
        name, start, end, loop, loop_end, rate_hz = entry
        pcm = parts[b"smpl"][2 * start : 2 * end]
        if number in held and loop_end > loop:
            turn = parts[b"smpl"][2 * loop : 2 * loop_end]
            turns = -(-int(_HELD_S * rate_hz) // (loop_end - loop))
            pcm = parts[b"smpl"][2 * start : 2 * loop] + turn * turns
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setparams((1, 2, rate_hz, 0, "NONE", ""))
            writer.writeframes(pcm)
        yield _text(name).replace("/", "-") + ".wav", file.getvalue()


def _riff_parts(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    """What lists hold; their own names are left out, which is enough for a SoundFont."""
    while start + 8 <= end:
        name, size = data[start : start + 4], struct.unpack_from("<I", data, start + 4)[0]
        if name == b"LIST":
            yield from _riff_parts(data, start + 12, start + 8 + size)
        else:
            yield name, data[start + 8 : start + 8 + size]
        start += 8 + size + size % 2


def _held_samples(parts: dict[bytes, bytes]) -> set[int]:
    """Of an instrument's zones, each of which may name a sample and say whether it loops."""
    first = [entry[0] for entry in struct.iter_unpack("<2H", parts[b"ibag"])]
    settings = list(struct.iter_unpack("<2H", parts[b"igen"]))
    zones = (dict(settings[low:high]) for low, high in pairwise(first))
    return {zone[_SAMPLE] for zone in zones if _SAMPLE in zone and zone.get(_LOOPS) in (1, 3)}


def _text(name: bytes) -> str:
    return name.split(b"\0")[0].decode("latin-1")


_READERS: dict[ArchiveFormat, Callable[[Path], Iterator[tuple[str, bytes]]]] = {
    ArchiveFormat.C4GROUP: _c4group,
    ArchiveFormat.RCC: _rcc,
    ArchiveFormat.SF2: _sf2,
    ArchiveFormat.ZIP: _zip,
}
