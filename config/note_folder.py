"""The folders that a profile's notes lie in, seen from the file that names them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from interject.config.yaml_file import YamlFileError

if TYPE_CHECKING:
    from interject.config.yaml_file import YamlFile

PLACES = (("notes", "folder"), ("responder", "notes"))


def find_notes(files: tuple[YamlFile, ...]) -> None:
    """Whoever extends a profile may lie elsewhere, so the path is made one from the root.

    :raises YamlFileError: when there is no such folder.
    """
    for section, key in PLACES:
        _find(files, section, key)


def _find(files: tuple[YamlFile, ...], section: str, key: str) -> None:
    for file in files:
        content = file.content.get(section)
        named = content.get(key) if isinstance(content, dict) else None
        if not isinstance(content, dict) or not isinstance(named, str) or not named:
            continue
        folder = (file.path.parent / Path(named).expanduser()).absolute()
        if not folder.is_dir():
            said = f"'{section}.{key}' is {named!r}; there is no such folder"
            raise YamlFileError(file.problem((section, key), said))
        file.content = {**file.content, section: {**content, key: str(folder)}}
        return
