"""Files that a command will write, refused now where writing would fail or do harm later."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.failures import InputFailure

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_target(path: Path, sounds: Sequence[str], *, option: str) -> None:
    """Make the folder of a file; `sounds` are the files that must not be overwritten.

    :raises InputFailure: when it cannot be written.
    """
    if path.is_dir():
        raise InputFailure(f"{option} {path}: is a folder; name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputFailure(f"{option} {path}: may not be written; check its permissions")
    if path.exists() and any(Path(s).exists() and path.samefile(s) for s in sounds):
        raise InputFailure(f"{option} {path}: would overwrite the sound that is to be heard")
