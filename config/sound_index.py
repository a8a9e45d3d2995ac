"""The folder that a profile's sounds lie in, and the index that says what may be done with them."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from interject.config.letters import folded
from interject.config.named_folder import named_folder
from interject.config.yaml_file import YamlFile, YamlFileError, faults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.config.profile import Profile

SHIPPED = "shipped"
SHIPPED_DIR = Path(__file__).parent / "sounds"
INDEX_NAMES = ("sounds.yaml", "sounds.json")
SECTION = "soundboard"


class SoundFolderIndex(YamlFile):
    """`sounds:` by their names, as it would stand in a profile that names this folder.

    :raises YamlFileError: when it cannot be read, or holds anything else.
    """

    def __init__(self, folder: Path) -> None:
        there = [folder / name for name in INDEX_NAMES if (folder / name).exists()]
        super().__init__(there[0] if there else folder / INDEX_NAMES[0], "sound index")
        if len(there) > 1:
            said = f"{INDEX_NAMES[1]} lies beside it; one of them is the index, and the other goes"
            raise YamlFileError(self.problem((), said))
        for key in self.content:
            if key != "sounds":
                said = f"unknown key {key!r}; a sound index holds 'sounds', and each by its name"
                raise YamlFileError(self.problem((key,), said))
        self.content = {SECTION: self.content}


def with_index(files: tuple[YamlFile, ...]) -> tuple[YamlFile, ...]:
    """A profile's files, and behind them the index of the folder that they name.

    :raises YamlFileError: when there is none, or it cannot be read.
    """
    folder = named_folder(files, SECTION, shipped={SHIPPED: SHIPPED_DIR})
    return files if folder is None else (*files, SoundFolderIndex(folder))


def check_files(profile: Profile, files: Sequence[YamlFile]) -> None:
    """:raises YamlFileError: of each sound whose file is not there."""
    board = profile.soundboard
    missing = [
        (
            (SECTION, "sounds", name, "file"),
            f"{board.path(name)}: no such file{_near(board.path(name))}",
        )
        for name in board.sounds
        if not board.path(name).is_file()
    ]
    if missing:
        raise faults(files, missing)


def _near(path: Path) -> str:
    """One that is written otherwise: in another case, or with its accents apart, as by macOS."""
    there = {folded(one.name): one.name for one in path.parent.glob("*")}
    near = get_close_matches(folded(path.name), there, n=1, cutoff=0.8)
    return f"; did you mean {there[near[0]]!r}?" if near else ""
