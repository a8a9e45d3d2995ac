"""All passages of a folder, and one line for each thing in it that gave none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from interject.agent.notes.note_file import read_note
from interject.agent.notes.unreadable import NotesError, UnreadableNote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.agent.notes.passage import Passage

MOST_FILES = 2_000
MOST_PASSAGES = 50_000


def read_folder(folder: Path) -> tuple[list[Passage], list[str]]:
    """Sub-folders, too. Whatever begins with a dot is left out, and said nothing about. A link is
    followed to a file in the same folder alone: notes are shown to people, so nobody shall be able
    to link something there that was never meant for them.

    :raises NotesError: when there is no such folder, or too much in it.
    """
    passages: list[Passage] = []
    skipped: list[str] = []
    root = _root(folder)
    for count, path in enumerate(_files(root)):
        if count == MOST_FILES:
            raise NotesError(f"{folder}: more than {MOST_FILES} files; notes are a smaller folder")
        name = path.relative_to(root).as_posix()
        try:
            passages += read_note(_inside(path, root), name)
        except UnreadableNote as reason:
            skipped.append(f"{name}: {reason}")
        if len(passages) > MOST_PASSAGES:
            raise NotesError(f"{folder}: more than {MOST_PASSAGES} passages of text")
    return passages, skipped


def _root(folder: Path) -> Path:
    try:
        root = folder.expanduser().resolve(strict=True)
    except (OSError, RuntimeError):
        raise NotesError(
            f"{folder}: no such folder; notes are a folder of .md, .txt or .pdf"
        ) from None
    if not root.is_dir():
        raise NotesError(f"{folder}: it is no folder; name the folder that the notes lie in")
    return root


def _files(root: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in sorted([*files, *links]):
            if not name.startswith("."):
                yield Path(parent, name)


def _inside(path: Path, root: Path) -> Path:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise UnreadableNote("it is a link to nothing") from None
    if not target.is_relative_to(root):
        raise UnreadableNote("it is a link out of the folder, which is not followed")
    if target.is_dir():
        raise UnreadableNote("it is a link to a folder, which is not followed")
    return target
