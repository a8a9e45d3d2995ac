"""A person who is asked before something is done, and what came of asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class WishOutcome(StrEnum):
    """Nothing but `ALLOWED` is a yes. `ABSENT`: nobody is there who may say it; `WITHDRAWN`: the
    reply was cut while somebody was asked.
    """

    ALLOWED = "allowed"
    DENIED = "denied"
    UNANSWERED = "unanswered"
    ABSENT = "absent"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class OperatorAnswer:
    """`by` is the name that whoever answered goes by, if any."""

    outcome: WishOutcome
    by: str = ""


@dataclass(frozen=True, slots=True)
class ToolWish:
    """A call that a model wants. `shown` are its arguments as a person may see them: they have
    passed the privacy gate, and hold nothing that does not show. `speaker` is whose words led to
    it, if that is known; within `within_s` it has to be answered.
    """

    id: str
    session_id: str
    tool: str
    shown: tuple[tuple[str, str], ...] = field(repr=False)
    speaker: str
    within_s: float
    arguments: dict[str, Any] = field(default_factory=dict, repr=False)


class Operator(Protocol):
    """Whoever can be asked in a session."""

    async def decide(self, wish: ToolWish) -> OperatorAnswer:
        """It is cancelled when its time is over, or nobody waits for it any more."""


class NoOperator:
    """Nobody is there to be asked."""

    async def decide(self, wish: ToolWish) -> OperatorAnswer:
        return OperatorAnswer(WishOutcome.ABSENT)
