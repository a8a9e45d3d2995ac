"""A folder that a profile names, seen from the file that names it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from interject.config.yaml_file import YamlFileError

if TYPE_CHECKING:
    from interject.config.yaml_file import YamlFile


KEY = "folder"


def named_folder(
    files: tuple[YamlFile, ...],
    section: str,
    *,
    shipped: dict[str, Path] | None = None,
) -> Path | None:
    """None where none of a profile's files names one there. Whoever extends a profile
    may lie elsewhere, so the path is made one from the root; `shipped` are those with a name.

    :raises YamlFileError: when there is no such folder.
    """
    for file in files:
        settings = file.content.get(section)
        named = settings.get(KEY) if isinstance(settings, dict) else None
        if not isinstance(settings, dict) or not isinstance(named, str) or not named:
            continue
        folder = (shipped or {}).get(named) or file.path.parent / Path(named).expanduser()
        if not folder.is_dir():
            said = f"'{section}.{KEY}' is {named!r}; there is no such folder"
            raise YamlFileError(file.problem((section, KEY), said))
        folder = folder.absolute()
        file.content = {**file.content, section: {**settings, KEY: str(folder)}}
        return folder
    return None
