"""The folder of records that `--records` names."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from interject.agent.records.store import RecordStore
from interject.agent.records.sweeper import Sweeper
from interject.cli.process.failures import InputFailure, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.config import Profile

logger = logging.getLogger("interject.records")

VARIABLE = "INTERJECT_RECORDS"


def records_at(folder: str | None) -> RecordStore | None:
    """None: nothing is to be kept.

    :raises InputFailure: when it is no folder that can be written. None is made: its name may be a
        slip.
    """
    if folder is None:
        return None
    path = Path(folder).expanduser().absolute()
    shown = f"--records {printable(folder)}"
    if not path.is_dir():
        raise InputFailure(f"{shown}: no such folder; make it first")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise InputFailure(f"{shown}: cannot be written")
    return RecordStore(path)


def without_effect(store: RecordStore | None, profile: Profile) -> tuple[str, str] | None:
    """A folder without a profile that keeps something, or the other way round: which setting has
    no effect, and why.
    """
    keeps = profile.privacy.retention != "nothing"
    if store is not None and not keeps:
        return "--records", "the profile keeps nothing: privacy.retention is nothing"
    if store is None and keeps:
        return "privacy.retention", "there is no --records"
    return None


def warn_of_nothing(store: RecordStore | None, profile: Profile) -> None:
    if said := without_effect(store, profile):
        logger.warning("A setting has no effect", extra={"setting": said[0], "reason": said[1]})


@contextlib.contextmanager
def swept(store: RecordStore | None) -> Iterator[None]:
    """What has outlived its lifetime is deleted in the meantime."""
    with contextlib.ExitStack() as stack:
        if store is not None:
            stack.enter_context(Sweeper(store))
        yield
