"""One line about what is wrong with a file, in the words of the file and not of pydantic."""

from __future__ import annotations

import difflib
import re
from datetime import date
from typing import TYPE_CHECKING, get_args, get_origin

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

MAX_SHOWN_CHARS = 60
PATTERNS = {
    r"\S": "it must hold more than spaces",
    r"^[A-Za-z0-9_-]+$": "it must be of letters (a to z), digits, _ and - alone",
    r"^[A-Za-z0-9_.-]+$": "it must be of letters (a to z), digits, _, . and - alone",
    r"^[A-Z]{2}$": "it must be two capital letters, as DE",
    r"^([0-9*#A-D])?$": "it must be one key of a telephone, as *, or nothing",
    r"^https?://[^\s/]+": "it must be an address, as https://models.example.com/v1",
    r"^([A-Za-z_][A-Za-z0-9_]*)?$": "it must be the name of an environment variable, as MODEL_KEY",
    r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$": "it must be module:function, as my_shop.orders:status",
}
"""In words, for people who read no regular expressions."""
NAME_ITSELF = "[key]"
"""Where pydantic says that not a map's value but its key is wrong."""
_SUBJECT = re.compile(r"^[A-Z][a-z]+ should")


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem in full, and how many more there are."""
    (_, first), *others = problems(error, model)
    return first + (f" (and {len(others)} more)" if others else "")


def problems(
    error: ValidationError, model: type[BaseModel]
) -> list[tuple[tuple[int | str, ...], str]]:
    """Each with the keys and numbers that lead to it, a misspelt key first: it explains others."""
    found = error.errors(include_url=False)
    found.sort(key=lambda problem: problem["type"] != "extra_forbidden")
    return [(problem["loc"], _one(problem, model)) for problem in found]


def _one(problem: ErrorDetails, model: type[BaseModel]) -> str:
    keys, parent = _walk(problem["loc"], model)
    name = ".".join(keys)
    match problem["type"]:
        case "extra_forbidden":
            return f"unknown key {name!r}; {_nearest(keys[-1], parent)}"
        case "missing":
            return f"the key {name!r} is missing"
        case "union_tag_not_found":
            return f"the key {_tag_key(name, problem)!r} is missing"
        case "union_tag_invalid":
            context = problem["ctx"]
            return (
                f"{_tag_key(name, problem)!r} is {context['tag']!r}; "
                f"allowed are {context['expected_tags']}"
            )
        case "tags":
            return f"{name!r}: {in_words(problem)}"
        case _:
            unquoted = _unquoted(problem["input"]) if problem["type"] == "string_type" else ""
            return f"{name!r} is {_shown(problem['input'])}; {in_words(problem)}{unquoted}"


def _unquoted(value: object) -> str:
    """Somebody wrote Norway's code, a name, half past twelve or a telephone number."""
    match value:
        case bool():
            return "; YAML takes yes, no, on and off for true and false, unless they are in quotes"
        case int() | float() | date():
            return "; write it in quotes"
        case _:
            return ""


def _tag_key(name: str, problem: ErrorDetails) -> str:
    """Where the key belongs that says which of several models this is."""
    return f"{name}.{_discriminator(problem)}"


def _discriminator(problem: ErrorDetails) -> str:
    return str(problem["ctx"]["discriminator"]).strip("'")


def _walk(
    loc: tuple[int | str, ...], model: type[BaseModel]
) -> tuple[list[str], type[BaseModel] | None]:
    """The keys as written (a union's tag is no key), and the model that holds the last one."""
    keys: list[str] = []
    parent: type[BaseModel] | None = model
    inside: tuple[type[BaseModel], ...] = (model,)
    is_entry = False  # Of a list or a map, which is no model's own key.
    for part in loc:
        if part == NAME_ITSELF:
            continue
        if len(inside) > 1 and (tagged := [m for m in inside if _tag(m) == part]):
            inside = (tagged[0],)
            continue
        keys.append(str(part))
        if is_entry:
            parent, is_entry = None, False
            continue
        parent = inside[0] if inside else None
        field = parent.model_fields.get(str(part)) if parent else None
        is_entry = field is not None and _holds_many(field.annotation)
        inside = tuple(_models_in(field.annotation)) if field else ()
    return keys, parent


def _holds_many(annotation: object) -> bool:
    return get_origin(annotation) in (tuple, list, dict)


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("engine") or model.model_fields.get("kind")
    values = get_args(field.annotation) if field else ()
    return str(values[0]) if values else None


def _nearest(key: str, parent: type[BaseModel] | None) -> str:
    valid = sorted(parent.model_fields) if parent else []
    near = difflib.get_close_matches(key.lower().replace("-", "_"), valid, n=1, cutoff=0.5)
    if near:
        return f"the nearest valid key is {near[0]!r}"
    return f"valid keys here are {', '.join(valid)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}..."


def place_and_words(problem: ErrorDetails, *, skip: int = 0) -> tuple[str, str]:
    """Which key is wrong, without the first `skip` that lead to it, and what is wrong with it.
    Nothing of what was sent is in it: a key that there is not is not named either.
    """
    loc = tuple(map(str, problem["loc"][skip:]))
    if problem["type"] in ("union_tag_invalid", "union_tag_not_found"):
        loc = (*loc, _discriminator(problem))
    if problem["type"] == "extra_forbidden":
        return ".".join(loc[:-1]), "it has a key that is not known here"
    return ".".join(loc), in_words(problem)


def in_words(problem: ErrorDetails) -> str:
    """What is wrong with one value, without it: pydantic's messages are for programmers."""
    match problem["type"]:
        case "missing" | "union_tag_not_found":
            return "it is missing"
        case "extra_forbidden":
            return "there is no such key"
        case "union_tag_invalid":
            return f"it must be one of {problem['ctx']['expected_tags']}"
        case "bool_parsing" | "bool_type":
            return "it must be true or false"
        case "tuple_type" | "list_type":
            return "it must be a list, as [a, b]"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "it must hold keys and values"
        case "string_pattern_mismatch":
            pattern = problem["ctx"]["pattern"]
            return PATTERNS.get(pattern, f"it must match {pattern}")
        case _:
            return " ".join(_SUBJECT.sub("it must", problem["msg"], count=1).split())
