"""From YAML that a person wrote to a model, or to one line that says what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import ValidationError

from interject.config.problems import problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from interject.config.strict import StrictModel

MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class FileProblem:
    """What is wrong with a file, and where: lines and columns count from 1."""

    path: Path
    said: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        column = f", column {self.column}" if self.column else ""
        return f"{self.path}{line}{column}: {self.said}"

    @property
    def clickable(self) -> str:
        """As compilers have it, so that an editor finds the place."""
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part)


class YamlFileError(ValueError):
    """A file cannot be used; the message is one line for the person who wrote it."""

    def __init__(self, *problems: FileProblem) -> None:
        others = len(problems) - 1
        super().__init__(f"{problems[0]}" + (f" (and {others} more)" if others else ""))
        self.problems = problems


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


class YamlFile:
    """A file of keys and values. `kind` is what people call such a file.

    :raises YamlFileError: when it cannot be read, or is no such file.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self._text = _read(path, kind)
        self.content = _parsed(self._text, path, kind)

    def problem(self, keys: tuple[int | str, ...], said: str) -> FileProblem:
        return FileProblem(self.path, said, self.place(keys)[1])

    def place(self, keys: tuple[int | str, ...]) -> tuple[int, int | None]:
        """How many of these keys it holds, and the line of the last one."""
        node, line, depth = yaml.compose(self._text, Loader=yaml.SafeLoader), None, 0
        for key in keys:
            found = next((item for name, item in _items(node) if str(name) == str(key)), None)
            if found is None:
                continue  # the tag of a union is no key of the file
            at, node = found
            line, depth = at.start_mark.line + 1, depth + 1
        return depth, line


def load_yaml(path: Path, model: type[M], kind: str, **defaults: object) -> M:
    """`defaults` are of keys that the file leaves out.

    :raises YamlFileError: when it cannot be read or understood; it names line and key.
    """
    file = YamlFile(path, kind)
    return checked({**defaults, **file.content}, model, (file,))


def checked(content: dict[Any, Any], model: type[M], files: Sequence[YamlFile]) -> M:
    """`files` are those that the content comes from, the one that overrides the others first.

    :raises YamlFileError: with every problem, each in the file and line that it comes from.
    """
    try:
        return model.model_validate(content)
    except ValidationError as exc:
        raise faults(files, problems(exc, model)) from None


def faults(
    files: Sequence[YamlFile], found: Iterable[tuple[tuple[int | str, ...], str]]
) -> YamlFileError:
    """Of keys and what is wrong with each: told of in the file that holds most of them."""
    return YamlFileError(
        *(
            max(files, key=lambda file: file.place(keys)[0]).problem(keys, said)
            for keys, said in found
        )
    )


def _read(path: Path, kind: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise YamlFileError(
                FileProblem(path, f"larger than {MAX_BYTES} bytes, so not a {kind}")
            )
        return content.decode()
    except FileNotFoundError:
        said = "no such file"
    except UnicodeDecodeError as exc:
        said = f"not UTF-8 text (byte {exc.start}), so not a {kind}"
    except OSError as exc:
        said = f"cannot be read: {exc.strerror}"
    raise YamlFileError(FileProblem(path, said))


def _parsed(text: str, path: Path, kind: str) -> dict[Any, Any]:
    try:
        content = yaml.load(text, Loader=_UniqueKeyLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else ()
        said = f"bad YAML: {exc.problem or exc.context}"
        raise YamlFileError(FileProblem(path, said, *place)) from None
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        said = f"bad YAML: {' '.join(str(exc).split())}"
        raise YamlFileError(FileProblem(path, said)) from None
    if not isinstance(content, dict):
        found = "nothing" if content is None else f"a {type(content).__name__}"
        said = f"holds {found}; a {kind} is a list of `key: value` lines"
        raise YamlFileError(FileProblem(path, said))
    return content


def _items(node: yaml.Node | None) -> Iterator[tuple[int | str, tuple[yaml.Node, yaml.Node]]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), (key, value)) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((number, (value, value)) for number, value in enumerate(node.value))
