"""Writes one shard, a WebDataset tar: for each stream `ID.flac` and `ID.json`."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import IO, TYPE_CHECKING, Any, Self

from interject.training.dataset.durable_files import naming, sync_folder
from interject.training.dataset.manifest import ShardEntry
from interject.training.dataset.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.dataset.stream_maker import MadeStream

PART = ".part"
OWNER = "interject"


class _Hashed:
    """A file that is only written on, and hashed on the way. What tarfile still writes when it is
    thrown away unfinished goes nowhere.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def close(self) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        if self._file.closed:
            return len(data)
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


class ShardWriter:
    """Used with `with`. It has its name once it is `finish`ed; until then, and in all cases in
    which it is not, nobody takes it for a shard.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + PART)
        self._tallies: list[Tally] = []

    def __enter__(self) -> Self:
        from webdataset.writer import TarWriter

        self._file = self._part.open("wb")
        self._hashed = _Hashed(self._file)
        self._tar: Any = TarWriter(
            self._hashed, user=OWNER, group=OWNER, mtime=0, encoder=False, compress=False
        )
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # A full disk has no room for the rest, either.
            self._hashed.close()
        self._tar.close()
        self._part.unlink(missing_ok=True)

    def write(self, made: MadeStream) -> None:
        """Streams with an id, those discarded without."""
        if made.stream_id:
            with naming(self._path):
                self._tar.write({"__key__": made.stream_id, "flac": made.flac, "json": made.item})
        self._tallies.append(made.tally)

    def finish(self) -> ShardEntry:
        with naming(self._path):
            self._tar.close()
            self._file.flush()
            os.fsync(self._file.fileno())
        self._part.replace(self._path)
        sync_folder(self._path.parent)
        return ShardEntry(
            name=self._path.name,
            sha256=self._hashed.hexdigest(),
            bytes=self._hashed.size,
            numbers=len(self._tallies),
            tally=Tally.sum(self._tallies),
        )
