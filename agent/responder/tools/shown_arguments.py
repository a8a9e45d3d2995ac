"""The arguments of a call as a person reads them before he says yes to it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from interject.agent.responder.tools.tool import ToolFailure

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_SHOWN_CHARS = 2_000
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0e\uffa0"
    "\U000e0100-\U000e01ef]"
)
"""Unicode has these as letters, marks or signs, and nobody sees anything of them."""
TOO_LONG = "the arguments are more than a person can read before saying yes: be brief"


def shown_arguments(
    arguments: dict[str, Any], redact: Callable[[str], str]
) -> tuple[tuple[str, str], ...]:
    """Names and values. Nothing is left out but what the privacy gate takes.

    :raises ToolFailure: when nobody could read all of it.
    """
    shown = tuple(
        (_visible(redact(name)), _visible(redact(_text(value))))
        for name, value in arguments.items()
    )
    if sum(len(name) + len(value) for name, value in shown) > MOST_SHOWN_CHARS:
        raise ToolFailure(TOO_LONG)
    return shown


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        raise ToolFailure(TOO_LONG) from None


def _visible(text: str) -> str:
    """What turns text round, or hides in it, is written out: nobody says yes to what he misreads.
    So is what is no character at all.
    """
    return "".join(one if _shows(one) else one.encode("unicode_escape").decode() for one in text)


def _shows(character: str) -> bool:
    return character.isprintable() and not _BLANK.match(character)
