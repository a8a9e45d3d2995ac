"""What an operator was asked, and what he answered, for whoever keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.agent.responder.tools.operator import WishOutcome


@dataclass(frozen=True, slots=True)
class AskedTool:
    """`arguments` are as he saw them, `at_s` is stream time, and `waited_s` how long it took."""

    session_id: str
    id: str
    reply_id: int
    seq: int
    at_s: float
    tool: str
    arguments: tuple[tuple[str, str], ...] = field(repr=False)
    speaker: str
    outcome: WishOutcome
    by: str = ""
    waited_s: float = 0.0

    @property
    def written(self) -> str:
        return written_call(self.tool, self.arguments)


def written_call(tool: str, arguments: tuple[tuple[str, str], ...]) -> str:
    """As `refund(order=7)`."""
    return f"{tool}({', '.join(f'{name}={value}' for name, value in arguments)})"
