"""One thing that a responder may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class ToolFailure(Exception):
    """It could not be done; the message is for the model, which says so in its own words."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """`sources` are labels and texts that facts can be stated from; without any, the tool is one,
    unless it `failed`.
    """

    text: str = field(repr=False)
    sources: tuple[tuple[str, str], ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """`run` takes the arguments, which fit `parameters` (a JSON schema) by then.

    It raises whatever it likes: that ends the call and nothing else.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    run: Callable[[dict[str, Any]], Awaitable[ToolResult]]
    timeout_s: float = 5.0
    needs_operator: bool = False
