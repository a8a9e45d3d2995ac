"""What is wrong with a message in JSON, in words for its sender and the log."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from interject.config.problems import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}", re.ASCII)
"""What a program calls a field. Anything else could be something that somebody said."""


def first_fault(error: ValidationError) -> ErrorDetails:
    """Without the value."""
    problem = error.errors(include_url=False, include_input=False)[0]
    return {**problem, "input": None}


def fault_in_words(problem: ErrorDetails) -> str:
    """They hold nothing of the message."""
    match problem["type"]:
        case "json_invalid":
            return "it is no JSON"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "it must be a JSON object"
        case "string_type":
            return "it must be text"
        case "tuple_type" | "list_type":
            return "it must be a JSON array"
        case "int_type" | "int_from_float":
            return "it must be a whole number"
        case "float_type" | "finite_number":
            return "it must be a number"
        case "too_long":
            return f"it must have at most {problem['ctx']['max_length']} entries"
        case "too_short":
            return f"it must have {problem['ctx']['min_length']} or more entries"
        case "value_error":
            return problem["msg"].removeprefix("Value error, ")
    return in_words(problem)


def unknown_field(name: str, known: Iterable[str]) -> str:
    """What there is no field for, and what may have been meant."""
    fields = sorted(known)
    if not fields:
        return "it has no fields"
    said = f"there is no field {name!r}" if FIELD_NAME.fullmatch(name) else "a field is not known"
    near = difflib.get_close_matches(name.lower(), fields, n=1, cutoff=0.5)
    return f"{said}; did you mean {near[0]!r}" if near else f"{said}, only {', '.join(fields)}"


def text_like(pattern: str, words: str) -> AfterValidator:
    """A whole text of this form; who sends another is told the words, and not the pattern."""
    form = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if form.fullmatch(text) is None:
            raise PydanticCustomError("text_form", "it must be {words}", {"words": words})
        return text

    return AfterValidator(check)


DIGIT = text_like(r"[0-9A-D*#]", "one of 0 to 9, A to D, * and #")
BOT_ID = text_like(r"[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, _ and -")
