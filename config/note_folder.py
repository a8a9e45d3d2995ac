"""The folder that a profile's notes lie in, seen from the file that names it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from interject.config.yaml_file import YamlFileError

if TYPE_CHECKING:
    from interject.config.yaml_file import YamlFile

NOTES, FOLDER = "notes", "folder"


def find_notes(files: tuple[YamlFile, ...]) -> None:
    """Whoever extends a profile may lie elsewhere, so the path is made one from the root.

    :raises YamlFileError: when there is no such folder.
    """
    for file in files:
        notes = file.content.get(NOTES)
        named = notes.get(FOLDER) if isinstance(notes, dict) else None
        if not isinstance(notes, dict) or not isinstance(named, str) or not named:
            continue
        folder = (file.path.parent / Path(named).expanduser()).absolute()
        if not folder.is_dir():
            said = f"'notes.folder' is {named!r}; there is no such folder"
            raise YamlFileError(file.problem((NOTES, FOLDER), said))
        file.content = {**file.content, NOTES: {**notes, FOLDER: str(folder)}}
        return
