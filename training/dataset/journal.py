"""What of a data set is finished while it is being built: a line a shard."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import IO, TYPE_CHECKING

from pydantic import ValidationError

from interject.training.dataset.durable_files import naming, whole_file
from interject.training.dataset.manifest import (
    MANIFEST_NAME,
    BuildSettings,
    ShardEntry,
    read_manifest,
    shard_name,
)
from interject.training.dataset.problem import DatasetError
from interject.training.dataset.shard_writer import PART

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOURNAL_NAME = "build.jsonl"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """:raises DatasetError: when another process builds here."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise DatasetError(f"{folder}: is no folder; name a new one") from None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatasetError(f"{folder}: another process is building there") from None
        yield
    finally:
        os.close(descriptor)


class Journal:
    """The first line has the settings: those of a build that has finished nothing bind nobody.

    :raises DatasetError: when the folder holds something else.
    """

    def __init__(self, folder: Path, build: BuildSettings) -> None:
        self._folder = folder
        self._path = folder / JOURNAL_NAME
        self._build = build
        self.finished: dict[str, ShardEntry] = {}
        before, entries = self._read()
        if before is None or entries:
            self._check(before)
        for path in folder.glob(f"*{PART}"):
            path.unlink()
        self._keep(entries)

    def note(self, entry: ShardEntry) -> None:
        """Once its shard has its name."""
        self.finished[entry.name] = entry
        with naming(self._path), self._path.open("ab") as file:
            _write(file, entry.model_dump_json())

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def _read(self) -> tuple[BuildSettings | None, list[ShardEntry]]:
        if (self._folder / MANIFEST_NAME).exists():
            manifest = read_manifest(self._folder)
            return manifest.build, list(manifest.shards)
        if not self._path.exists():
            return None, []
        with self._path.open("rb") as file:
            try:
                build = BuildSettings.model_validate_json(file.readline())
            except ValidationError:
                raise DatasetError(
                    f"{self._path}: is damaged; delete it and the shards beside it, and begin anew"
                ) from None
            return build, list(_entries(file))

    def _check(self, before: BuildSettings | None) -> None:
        if before is None:
            if any(path.suffix != PART for path in self._folder.iterdir()):
                raise DatasetError(
                    f"{self._folder}: is not empty, and no data set; name a new folder"
                )
            return
        if not before.is_continued_by(self._build):
            difference = _difference(before, self._build)
            raise DatasetError(f"{self._folder}: {difference}; name a new folder")

    def _keep(self, entries: list[ShardEntry]) -> None:
        """Those that are there whole, and as long as they are now to be."""
        wanted = {
            shard_name(number): len(self._build.numbers(number))
            for number in range(self._build.shards)
        }
        for entry in entries:
            path = self._folder / entry.name
            if wanted.get(entry.name) == entry.numbers and _size(path) == entry.bytes:
                self.finished[entry.name] = entry
        lines = [self._build.model_dump_json()]
        lines += [entry.model_dump_json() for entry in self.finished.values()]
        with whole_file(self._path) as file:
            file.writelines(f"{line}\n" for line in lines)


def _entries(file: IO[bytes]) -> Iterator[ShardEntry]:
    """Up to the first line that a kill or a crash has left half."""
    for line in file:
        try:
            yield ShardEntry.model_validate_json(line)
        except ValidationError:
            return


def _write(file: IO[bytes], line: str) -> None:
    file.write(f"{line}\n".encode())
    file.flush()
    os.fsync(file.fileno())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def _difference(before: BuildSettings, now: BuildSettings) -> str:
    for name in ("recipe", "seed", "streams_per_shard"):
        old, new = getattr(before, name), getattr(now, name)
        if old != new:
            return f"was begun with the {name} {old!r}, not {new!r}"
    if before.settings != now.settings:
        return "was begun with other settings of its recipe"
    return f"holds {before.count} streams already, more than {now.count}"
