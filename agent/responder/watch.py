"""What is told of answers to whoever counts them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from interject.agent.responder.tools.tool_box import CallOutcome


class AnswerOutcome(StrEnum):
    """`BROKEN_OFF`: it had begun. After `LATE`, `FAILED` and `EMPTY` the draft is said, as where it
    was `LEFT_OUT`; `CUT`: somebody talked over it, or it was taken back.
    """

    ANSWERED = "answered"
    BROKEN_OFF = "broken_off"
    LATE = "late"
    FAILED = "failed"
    EMPTY = "empty"
    LEFT_OUT = "left_out"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class AnswerNote:
    """`wait_s` is from asking to the first word, where there was one; `captured_at` is of the chunk
    that the reply answers. `began_ns` and `ended_ns` are since the epoch.
    """

    session_id: str
    reply_id: int
    captured_at: float | None
    outcome: AnswerOutcome
    began_ns: int
    ended_ns: int
    wait_s: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0


class ResponderWatch(Protocol):
    def answered(self, note: AnswerNote) -> None: ...

    def called(self, tool: str, outcome: CallOutcome) -> None: ...

    def asked(self, *, left_out: bool) -> None:
        """Whether it is left out because it failed too often."""


class NoWatch:
    def answered(self, note: AnswerNote) -> None:
        pass

    def called(self, tool: str, outcome: CallOutcome) -> None:
        pass

    def asked(self, *, left_out: bool) -> None:
        pass
