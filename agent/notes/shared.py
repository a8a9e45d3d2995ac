"""One reading of a folder for all of a process."""

from __future__ import annotations

import functools
from pathlib import Path

from interject.agent.notes.notes import Notes


@functools.lru_cache(maxsize=8)
def shared_notes(folder: str) -> Notes:
    """Once a process, not once a call.

    :raises NotesError: when there are none.
    """
    return Notes.read(Path(folder))
