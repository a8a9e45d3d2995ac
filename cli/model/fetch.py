"""A checkpoint from the Hugging Face hub: only what is missing, checked to the last byte."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.cli.process.failures import InputFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from interject.cli.model.hub_repository import HubFile, HubRepository

RECORD_FILE = "fetched.json"
PARTS_FOLDER = ".parts"
NOT_FETCHED = (".git", PARTS_FOLDER, RECORD_FILE)
BLOCK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """`commit` is what the revision stood for; naming it fetches the same again."""

    repository: str
    commit: str
    files: int
    downloaded_bytes: int


def fetch(
    repository: HubRepository,
    revision: str,
    folder: Path,
    *,
    told: Callable[[int, int], None] = lambda done, total: None,
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
) -> FetchedModel:
    """Bring a folder to a revision. Files that are there and right are left alone.

    `told` hears of bytes done and in all, of those that are missing.

    :raises InputFailure: when the hub, the disk or a file is not as it must be.
    """
    commit, files = repository.revision(revision)
    files = [file for file in files if not file.name.startswith(NOT_FETCHED)]
    if not files:
        raise InputFailure(f"{repository.name}: revision {revision!r} holds no file")
    parts = folder / PARTS_FOLDER
    parts.mkdir(parents=True, exist_ok=True)
    missing = [file for file in files if not is_right(folder / file.name, file)]
    to_come = sum(file.size_bytes - _begun_bytes(parts, file) for file in missing)
    free = free_bytes(folder)
    if to_come > free:
        raise InputFailure(
            f"{folder}: {to_come / 1e6:,.1f} MB are still to come, {free / 1e6:,.1f} MB are free"
        )
    progress = _Progress(to_come, told)
    for file in missing:
        _fetch_file(repository, commit, file, folder, progress)
    shutil.rmtree(parts, ignore_errors=True)
    _write_record(folder, repository.name, commit, files)
    return FetchedModel(repository.name, commit, len(files), progress.done)


def is_right(path: Path, file: HubFile) -> bool:
    """Whether a file is there, with the size and the hash that the hub says."""
    if _size(path) != file.size_bytes or not path.is_file():
        return False
    digest = hashlib.sha256()
    if not file.is_large:
        digest = hashlib.sha1(b"blob %d\0" % file.size_bytes, usedforsecurity=False)
    with path.open("rb") as content:
        while block := content.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest() == file.digest


class _Progress:
    def __init__(self, total: int, told: Callable[[int, int], None]) -> None:
        self.done = 0
        self._total = total
        self._told = told

    def add(self, count: int) -> None:
        self.done += count
        self._told(self.done, self._total)


class _WatchedFile(io.BufferedWriter):
    def __init__(self, path: Path, progress: _Progress) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._progress = progress

    def write(self, data: bytes) -> int:  # type: ignore[override]
        written = super().write(data)
        self._progress.add(written)
        return written


def _fetch_file(
    repository: HubRepository, commit: str, file: HubFile, folder: Path, progress: _Progress
) -> None:
    part, target = _part(folder / PARTS_FOLDER, file), folder / file.name
    try:
        with _WatchedFile(part, progress) as into:
            repository.download(file, commit, into, present_bytes=_size(part))
    except OSError as exc:
        raise InputFailure(
            f"{target}: cannot be written ({(exc.strerror or str(exc)).lower()}); the same command "
            "goes on from here"
        ) from exc
    if not is_right(part, file):
        part.unlink()
        raise InputFailure(
            f"{target}: what came has another hash than the hub says, and was thrown away; fetch "
            "it again"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    part.replace(target)


def _part(parts: Path, file: HubFile) -> Path:
    """By its content: what is left of another revision's file is never taken for this one's."""
    return parts / file.digest


def _begun_bytes(parts: Path, file: HubFile) -> int:
    """How much of a file is there. More than all of it is rubbish, and removed."""
    part = _part(parts, file)
    if _size(part) > file.size_bytes:
        part.unlink()
    return _size(part)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _write_record(folder: Path, repository: str, commit: str, files: Sequence[HubFile]) -> None:
    record = {
        "repository": repository,
        "commit": commit,
        "files": {file.name: {"bytes": file.size_bytes, "hash": file.digest} for file in files},
    }
    (folder / RECORD_FILE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
