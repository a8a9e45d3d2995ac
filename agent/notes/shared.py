"""One reading of a folder for all of a process."""

from __future__ import annotations

import functools
import logging
from pathlib import Path

from interject.agent.notes.notes import Notes

logger = logging.getLogger(__name__)


@functools.lru_cache(maxsize=8)
def shared_notes(folder: str) -> Notes:
    """Once a process, not once a call.

    :raises NotesError: when there are none.
    """
    notes = Notes.read(Path(folder))
    if notes.skipped:
        logger.warning(
            "Some notes are left out; interject profile check names them",
            extra={"count": len(notes.skipped), "reason": notes.skipped[0]},
        )
    return notes
