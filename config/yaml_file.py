"""From YAML that a person wrote to a model, or to one line that says what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import ValidationError

from interject.config.problems import describe, location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from interject.config.strict import StrictModel

MAX_BYTES = 1_000_000


class YamlFileError(ValueError):
    """A file cannot be used; the message is one line for the person who wrote it."""


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


M = TypeVar("M", bound="StrictModel")


def load_yaml(path: Path, model: type[M], kind: str, **defaults: object) -> M:
    """`kind` is what people call such a file; `defaults` are of keys that the file leaves out.

    :raises YamlFileError: when it cannot be read or understood; it names line and key.
    """
    text = _read(path, kind)
    content = _parsed(text, path, kind)
    try:
        return model.model_validate({**defaults, **content})
    except ValidationError as exc:
        line = _line(text, location(exc))
        where = f", line {line}" if line else ""
        raise YamlFileError(f"{path}{where}: {describe(exc, model)}") from None


def _read(path: Path, kind: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise YamlFileError(f"{path}: larger than {MAX_BYTES} bytes, so not a {kind}")
        return content.decode()
    except FileNotFoundError:
        raise YamlFileError(f"{path}: no such file") from None
    except UnicodeDecodeError as exc:
        raise YamlFileError(f"{path}: not UTF-8 text (byte {exc.start}), so not a {kind}") from None
    except OSError as exc:
        raise YamlFileError(f"{path}: cannot be read: {exc.strerror}") from None


def _parsed(text: str, path: Path, kind: str) -> dict[Any, Any]:
    try:
        content = yaml.load(text, Loader=_UniqueKeyLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise YamlFileError(f"{path}{where}: bad YAML: {exc.problem or exc.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise YamlFileError(f"{path}: bad YAML: {' '.join(str(exc).split())}") from None
    if not isinstance(content, dict):
        found = "nothing" if content is None else f"a {type(content).__name__}"
        raise YamlFileError(f"{path}: holds {found}; a {kind} is a list of `key: value` lines")
    return content


def _line(text: str, keys: tuple[int | str, ...]) -> int | None:
    """Where the last of these keys that the file holds is written."""
    node, line = yaml.compose(text, Loader=yaml.SafeLoader), None
    for key in keys:
        found = next((item for name, item in _items(node) if str(name) == str(key)), None)
        if found is None:
            continue  # the tag of a union is no key of the file
        at, node = found
        line = at.start_mark.line + 1
    return line


def _items(node: yaml.Node | None) -> Iterator[tuple[int | str, tuple[yaml.Node, yaml.Node]]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), (key, value)) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((number, (value, value)) for number, value in enumerate(node.value))
