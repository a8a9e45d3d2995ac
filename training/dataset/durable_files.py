"""Files that are there whole or not at all, and errors that say which file it was."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """A write that fails does not know the name of its file."""
    try:
        yield
    except OSError as exc:
        exc.filename = exc.filename or str(path)
        raise


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[str]]:
    """All of it or nothing, whenever the process or the machine stops. A device or a pipe is
    written to as it is, and what a link leads to is the file.
    """
    if path.exists() and not path.is_file():
        with naming(path), path.open("w", encoding="utf-8") as file:
            yield file
        return
    path = Path(os.path.realpath(path))
    part = path.with_name(f"{path.name}.part")
    try:
        with naming(path), part.open("w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A new name is only on the disk once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
