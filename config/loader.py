"""From a name or a file to a `Profile`, or to one line that says what is wrong with it."""

from __future__ import annotations

import difflib
from pathlib import Path

from interject.config.profile import Profile
from interject.config.yaml_file import YamlFileError, load_yaml

PROFILE_DIR = Path(__file__).parent / "profiles"


class ProfileError(ValueError):
    """A profile cannot be used; the message is one line for the person who wrote it."""


def shipped_profiles() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in PROFILE_DIR.glob("*.yaml")))


def load_profile(name_or_path: str | Path) -> Profile:
    """Read a shipped profile by its name, or any file by its path.

    Something with a slash or a suffix `.yaml`/`.yml` is a path.

    :raises ProfileError: when there is no such profile, or it cannot be read or understood.
    """
    path = _find(str(name_or_path))
    try:
        return load_yaml(path, Profile, "profile", name=path.stem)
    except YamlFileError as exc:
        raise ProfileError(str(exc)) from None


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
