"""From a name or a file to a `Profile`, or to one line that says what is wrong with it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from interject.config.layers import layers, merged
from interject.config.named_folder import named_folder
from interject.config.profile import Profile
from interject.config.sound_index import check_files, with_index
from interject.config.yaml_file import YamlFileError, checked

if TYPE_CHECKING:
    from interject.config.yaml_file import FileProblem

PROFILE_DIR = Path(__file__).parent / "profiles"


class ProfileError(ValueError):
    """A profile cannot be used; the message is one line for the person who wrote it."""

    def __init__(self, message: str, problems: tuple[FileProblem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


def shipped_profiles() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in PROFILE_DIR.glob("*.yaml")))


def load_profile(name_or_path: str | Path) -> Profile:
    """Read a shipped profile by its name, or any file by its path, with what it extends.

    Something with a slash or a suffix `.yaml`/`.yml` is a path.

    :raises ProfileError: when there is no such profile, or it cannot be read or understood.
    """
    return load_layers(name_or_path)[0]


def load_layers(name_or_path: str | Path) -> tuple[Profile, tuple[Path, ...]]:
    """The profile, and the files that it was put together from, its own first.

    :raises ProfileError: as `load_profile` does.
    """
    path = _find(str(name_or_path))
    try:
        files = layers(path, _extended)
        named_folder(files, "notes")
        indexed = with_index(files)
        content = {"name": path.stem, **merged(indexed)}
        profile = checked(content, Profile, indexed)
        check_files(profile, indexed)
        return profile, tuple(file.path for file in files)
    except YamlFileError as exc:
        raise ProfileError(str(exc), exc.problems) from None


def _extended(name: str, folder: Path) -> Path:
    """A path is one from the file that says so.

    :raises ValueError: when there is none.
    """
    path = folder / _find(name)
    if not path.exists():
        raise ProfileError(f"{path}: no such file")
    return path


def _find(name: str) -> Path:
    path = Path(name).expanduser()
    if path.suffix in (".yaml", ".yml") or "/" in name:
        return path
    names = shipped_profiles()
    if name in names:
        return PROFILE_DIR / f"{name}.yaml"
    near = difflib.get_close_matches(name.lower().replace("-", "_"), names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ProfileError(
        f"no profile is called {name!r}; {hint}shipped are {', '.join(names)}; "
        "for a file of your own give a path that ends in .yaml"
    )
