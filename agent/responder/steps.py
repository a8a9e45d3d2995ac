"""What a responder does while it answers, one after another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.agent.responder.completion import TokenUse


@dataclass(frozen=True, slots=True)
class Words:
    """More to be said."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Working:
    """A tool has begun, or has ended: how long it may take is another matter. `asks`: a person is
    asked first.
    """

    tool: str
    begun: bool
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Summed:
    """The last step: what was cited, and what it cost in tokens."""

    sources: tuple[str, ...]
    tokens: TokenUse


Step = Words | Working | Summed
