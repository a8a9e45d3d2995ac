"""A profile and those that it extends, put together."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from interject.config.cues import category_tag
from interject.config.yaml_file import YamlFile, YamlFileError, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EXTENDS = "extends"
KIND = "profile"
MOST_LAYERS = 16
OWN = ("name",)
"""What is not inherited."""
NAMED = (
    ("cue", "categories"),
    ("checklist", "items"),
    ("reply", "read_as"),
    ("soundboard", "sounds"),
)
"""Maps of things with names, which null takes out again."""


Keys = tuple[int | str, ...]


def layers(path: Path, find: Callable[[str, Path], Path]) -> tuple[YamlFile, ...]:
    """The file, the one that it extends, and so on. `find` knows where the profile is that a file
    in some folder names.

    :raises YamlFileError: when one cannot be read, is not there, or extends itself.
    """
    found: list[YamlFile] = []
    while True:
        file = YamlFile(path, KIND)
        found.append(file)
        if EXTENDS not in file.content:
            return tuple(found)
        path = _extended(found, find)


def _extended(found: list[YamlFile], find: Callable[[str, Path], Path]) -> Path:
    file = found[-1]
    named = file.content[EXTENDS]
    said = f"{EXTENDS!r} is {named!r}"
    if not isinstance(named, str) or not named.strip():
        reason = "it must be a profile's name, or the path of a file that ends in .yaml"
        raise YamlFileError(file.problem((EXTENDS,), f"{said}; {reason}"))
    try:
        path = find(named, file.path.parent)
    except ValueError as exc:
        raise YamlFileError(file.problem((EXTENDS,), f"{said}; {exc}")) from None
    chain = [one.path.resolve() for one in found]
    if path.resolve() in chain:
        circle = " extends ".join(one.name for one in [*chain, path.resolve()])
        raise YamlFileError(file.problem((EXTENDS,), f"{said}, which makes a circle: {circle}"))
    if len(found) == MOST_LAYERS:
        reason = f"a profile may extend {MOST_LAYERS - 1} others, one through another"
        raise YamlFileError(file.problem((EXTENDS,), f"{said}; {reason}"))
    return path


def merged(files: tuple[YamlFile, ...]) -> dict[Any, Any]:
    """What the first file says wins. Maps are put together key by key; a list, and a voice of
    another engine, takes the place of the one before.

    :raises YamlFileError: when null is to take out what is not there.
    """
    content: dict[Any, Any] = {}
    for file in reversed(files):
        inherited = {key: value for key, value in content.items() if key not in OWN}
        own = {key: value for key, value in file.content.items() if key != EXTENDS}
        if missed := list(_missed(inherited, own)):
            raise faults((file,), missed)
        content = _over(inherited, own, ())
        if former := _tags(inherited) - _tags(content):
            known = content["cue"].get("former_tags") or ()
            content["cue"]["former_tags"] = [*known, *sorted(former.difference(known))]
    return content


def _missed(inherited: dict[Any, Any], own: dict[Any, Any]) -> Iterator[tuple[Keys, str]]:
    for at in NAMED:
        there = _map(inherited, at)
        for key in (key for key, value in _map(own, at).items() if value is None):
            if key in there:
                continue
            names = list(map(str, there))
            near = difflib.get_close_matches(str(key), names, n=1)
            known = f"did you mean {near[0]!r}?" if near else f"inherited are {', '.join(names)}"
            said = f"{'.'.join((*at, str(key)))!r} is null, which takes out what is inherited"
            yield (*at, key), f"{said}; {known if names else 'nothing is'}"


def _tags(content: dict[Any, Any]) -> set[str]:
    """Those of the categories."""
    return {
        str(category_tag(name, rules.get("tag") if isinstance(rules, dict) else None))
        for name, rules in _map(content, ("cue", "categories")).items()
    }


def _map(content: Any, at: tuple[str, ...]) -> dict[Any, Any]:
    """What stands there; what is no map is found to be wrong later."""
    for key in at:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def _over(base: dict[Any, Any], own: dict[Any, Any], at: tuple[Any, ...]) -> dict[Any, Any]:
    result = dict(base)
    for key, value in own.items():
        former = base.get(key)
        if value is None and at in NAMED and key in base:
            del result[key]
        elif isinstance(value, dict) and isinstance(former, dict) and not _other(former, value):
            result[key] = _over(former, value, (*at, key))
        else:
            result[key] = value
    return result


def _other(former: dict[Any, Any], value: dict[Any, Any]) -> bool:
    return "engine" in value and value["engine"] != former.get("engine")
