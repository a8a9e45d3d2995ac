"""The arguments of a call as a person reads them before he says yes to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from interject.agent.responder.tools.tool import ToolFailure

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_SHOWN_CHARS = 2_000
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
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _visible(text: str) -> str:
    """What turns text round, or hides in it, is written out: nobody says yes to what he misreads.
    So is what is no character at all.
    """
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
