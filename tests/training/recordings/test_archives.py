from __future__ import annotations

import gzip
import struct
import wave
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from interject.training.recordings.archives import BrokenArchive, unpack_archive
from interject.training.recordings.source import ArchiveFormat

if TYPE_CHECKING:
    from pathlib import Path

Tree = dict[str, "bytes | Tree"]


def c4_group(tree: Tree) -> bytes:
    """A group of files and groups, as OpenClonk keeps it."""
    head, entries, data = bytearray(204), b"", b""
    head[:24] = b"RedWolf Design GrpFolder"
    struct.pack_into("<i", head, 36, len(tree))
    for at in range(0, 202, 3):
        head[at], head[at + 2] = head[at + 2], head[at]
    for name, content in tree.items():
        body = content if isinstance(content, bytes) else c4_group(content)
        numbers = (0, int(content is not body), len(body), 0, len(data))
        entries += struct.pack("<260s5i36x", name.encode(), *numbers)
        data += body
    return bytes(byte ^ 237 for byte in head) + entries + data


def rcc(files: dict[str, bytes]) -> bytes:
    """A Qt resource of one folder, `sounds`; every second file is compressed."""
    names, name_at, blocks, block_at = b"", {}, b"", {}
    for name in ("sounds", *files):
        name_at[name] = len(names)
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    for number, (name, body) in enumerate(files.items()):
        packed = struct.pack(">I", len(body)) + zlib.compress(body) if number % 2 else body
        block_at[name] = len(blocks)
        blocks += struct.pack(">I", len(packed)) + packed
    tree = struct.pack(">IHII", 0, 2, 1, 1) + struct.pack(
        ">IHII", name_at["sounds"], 2, len(files), 2
    )
    for number, name in enumerate(files):
        tree += struct.pack(">IHHHI", name_at[name], number % 2, 0, 0, block_at[name])
    start = 20
    offsets = (1, start, start + len(tree), start + len(tree) + len(blocks))
    return b"qres" + struct.pack(">4I", *offsets) + tree + blocks + names


def sf2(samples: dict[str, tuple[int, ...]], loop: tuple[int, int], held: str) -> bytes:
    """A SoundFont of an instrument for each sample, at 8 kHz; one goes on while a key is held."""

    def part(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    pcm, heads, bags, settings = b"", b"", b"", b""
    for number, (name, values) in enumerate(samples.items()):
        start = len(pcm) // 2
        pcm += struct.pack(f"<{len(values)}h", *values)
        places = (start, start + len(values), start + loop[0], start + loop[1], 8_000)
        heads += struct.pack("<20s5I6x", name.encode(), *places)
        bags += struct.pack("<2H", 2 * number, 0)
        settings += struct.pack("<4H", 54, int(name == held), 53, number)
    heads += struct.pack("<20s26x", b"EOS")
    bags += struct.pack("<2H", 2 * len(samples), 0)
    sound = part(b"LIST", b"sdta" + part(b"smpl", pcm))
    tables = part(b"shdr", heads) + part(b"ibag", bags) + part(b"igen", settings + bytes(4))
    return part(b"RIFF", b"sfbk" + sound + part(b"LIST", b"pdta" + tables))


def test_a_soundfont_is_its_samples_and_what_is_held_goes_on(tmp_path: Path) -> None:
    (tmp_path / "x.sf2").write_bytes(
        sf2({"Dog/Bark": (1, 2, 3, 4), "Siren": (5, 6, 7, 8)}, (1, 3), held="Siren")
    )
    unpack_archive(tmp_path / "x.sf2", ArchiveFormat.SF2, tmp_path / "out")
    heard = {}
    for path in (tmp_path / "out").iterdir():
        with wave.open(str(path)) as file:
            assert file.getframerate() == 8_000
            frames = file.readframes(file.getnframes())
            heard[path.stem] = struct.unpack(f"<{len(frames) // 2}h", frames)
    assert heard["Dog-Bark"] == (1, 2, 3, 4)
    assert heard["Siren"][:5] == (5, 6, 7, 6, 7)
    assert len(heard["Siren"]) == 1 + 4 * 8_000


def test_a_group_of_groups_is_unpacked(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(c4_group({"a.wav": b"one", "In.ocg": {"b.ogg": b"two"}})))
    packed[:2] = b"\x1e\x8c"
    (tmp_path / "Sound.ocg").write_bytes(packed)
    unpack_archive(tmp_path / "Sound.ocg", ArchiveFormat.C4GROUP, tmp_path / "out")
    assert (tmp_path / "out/a.wav").read_bytes() == b"one"
    assert (tmp_path / "out/In.ocg/b.ogg").read_bytes() == b"two"


def test_a_resource_is_unpacked_and_only_its_sounds(tmp_path: Path) -> None:
    (tmp_path / "x.rcc").write_bytes(rcc({"a.wav": b"one", "b.ogg": b"two" * 50, "c.svg": b"no"}))
    unpack_archive(tmp_path / "x.rcc", ArchiveFormat.RCC, tmp_path / "out")
    found = {p.name: p.read_bytes() for p in (tmp_path / "out/sounds").iterdir()}
    assert found == {"a.wav": b"one", "b.ogg": b"two" * 50}


def test_a_zip_is_unpacked_but_never_outside(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.pk3", "w") as archive:
        archive.writestr("sound/a.ogg", b"one")
        archive.writestr("../b.ogg", b"two")
    with pytest.raises(BrokenArchive, match="outside"):
        unpack_archive(tmp_path / "x.pk3", ArchiveFormat.ZIP, tmp_path / "out")
    assert (tmp_path / "out/sound/a.ogg").read_bytes() == b"one"
    assert not (tmp_path / "b.ogg").exists()


@pytest.mark.parametrize("kind", ArchiveFormat)
@pytest.mark.parametrize("content", [b"", b"no archive at all, only a text"])
def test_what_is_none_is_refused(tmp_path: Path, kind: ArchiveFormat, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(BrokenArchive):
        unpack_archive(tmp_path / "x", kind, tmp_path / "out")


@pytest.mark.parametrize("kept", [30, 250, 600])
def test_a_cut_archive_is_refused(tmp_path: Path, kept: int) -> None:
    packed = gzip.compress(c4_group({"a.wav": bytes(1_000)})[:kept])
    (tmp_path / "x").write_bytes(b"\x1e\x8c" + packed[2:])
    with pytest.raises(BrokenArchive):
        unpack_archive(tmp_path / "x", ArchiveFormat.C4GROUP, tmp_path / "out")
