"""Files that a command will write, refused now where writing would fail or do harm later."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.process.failures import InputFailure, printable, reason

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_target(path: Path, sounds: Sequence[str], *, option: str) -> None:
    """`sounds` are the files that must not be overwritten.

    :raises InputFailure: when it cannot be written. No folder is made: its name may be a slip.
    """
    shown = f"{option} {printable(str(path))}"
    try:
        if path.is_dir():
            raise InputFailure(f"{shown}: is a folder; name a file")
        if not path.parent.exists():
            folder = printable(str(path.parent))
            raise InputFailure(f"{shown}: there is no folder {folder}; make it first")
        if any(_is_same(path, Path(sound)) for sound in sounds):
            raise InputFailure(f"{shown}: would overwrite the sound that is to be heard")
        _try_to_open(path)
    except OSError as exc:
        raise InputFailure(f"{shown}: cannot be written ({reason(exc)})") from exc


def check_apart(targets: dict[str, Path | None]) -> None:
    """:raises InputFailure: when two options name one file."""
    given = [(option, path) for option, path in targets.items() if path is not None]
    for (option, path), (other, place) in itertools.combinations(given, 2):
        if os.path.realpath(path) == os.path.realpath(place) and not path.is_char_device():
            raise InputFailure(f"{option} and {other}: name one file, {printable(str(path))}")


def _is_same(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)


def _try_to_open(path: Path) -> None:
    """As a writer would, and leave things as they were. Opening a pipe would end its reader."""
    existed = path.exists()
    if existed and not (path.is_file() or path.is_char_device()):
        return
    real = path if existed else Path(os.path.realpath(path))
    os.close(os.open(real, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
    if not existed:
        real.unlink()
