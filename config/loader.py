"""From a name or a file to a `Profile`, or to one line that says what is wrong with it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from interject.config.problems import describe
from interject.config.profile import Profile

PROFILE_DIR = Path(__file__).parent / "profiles"
MAX_PROFILE_BYTES = 1_000_000


class ProfileError(ValueError):
    """A profile cannot be used; the message is one line for the person who wrote it."""


class _UniqueKeyLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys without a word; this refuses the second."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        for key_node, _ in pairs:
            key = str(key_node.value)
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} stands here twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """What a tag or a look promises and the text is not raises anything in PyYAML."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, TypeError, AttributeError) as exc:
            kind = str(node.tag).rpartition(":")[2]
            raise yaml.MarkedYAMLError(
                problem=f"this is not of the kind {kind!r}", problem_mark=node.start_mark
            ) from exc


def shipped_profiles() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in PROFILE_DIR.glob("*.yaml")))


def load_profile(name_or_path: str | Path) -> Profile:
    """Read a shipped profile by its name, or any file by its path.

    Something with a slash or a suffix `.yaml`/`.yml` is a path.

    :raises ProfileError: when there is no such profile, or it cannot be read or understood.
    """
    path = _find(str(name_or_path))
    return _validate(_parse(_read(path), path), path)


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


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PROFILE_BYTES + 1)
        if len(content) > MAX_PROFILE_BYTES:
            raise ProfileError(f"{path}: larger than {MAX_PROFILE_BYTES} bytes, so not a profile")
        return content.decode()
    except FileNotFoundError:
        raise ProfileError(f"{path}: no such file") from None
    except UnicodeDecodeError as exc:
        raise ProfileError(f"{path}: not UTF-8 text (byte {exc.start}), so not a profile") from None
    except OSError as exc:
        raise ProfileError(f"{path}: cannot be read: {exc.strerror}") from None


def _parse(text: str, path: Path) -> dict[Any, Any]:
    try:
        content = yaml.load(text, Loader=_UniqueKeyLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ProfileError(f"{path}{where}: bad YAML: {exc.problem or exc.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise ProfileError(f"{path}: bad YAML: {' '.join(str(exc).split())}") from None
    if not isinstance(content, dict):
        found = "nothing" if content is None else f"a {type(content).__name__}"
        raise ProfileError(f"{path}: holds {found}; a profile is a list of `key: value` lines")
    return content


def _validate(content: dict[Any, Any], path: Path) -> Profile:
    content.setdefault("name", path.stem)
    try:
        return Profile.model_validate(content)
    except ValidationError as exc:
        raise ProfileError(f"{path}: {describe(exc, Profile)}") from None
