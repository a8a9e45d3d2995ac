"""What processes tell each other of their sessions: a bulletin a second, and letters.

A letter is a head and, behind it, a body that nobody on the way has to read.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from interject.config.strict import StrictModel
from interject.integrations.console.operator_commands import OperatorCommand
from interject.integrations.console.session_messages import SessionId
from interject.integrations.console.session_view import SessionPulse, SessionView
from interject.integrations.conversation.control_messages import Status
from interject.integrations.web.living_cards import MOST_NAME_CHARS

if TYPE_CHECKING:
    from collections.abc import Mapping

Token = Annotated[str, Field(min_length=1, max_length=64)]


class Bulletin(StrictModel):
    """All sessions of one process, and how those that go on do. So many `operators` look at its
    console.
    """

    server: str
    sessions: tuple[SessionView, ...]
    pulses: tuple[SessionPulse, ...]
    operators: int = Field(default=0, ge=0)


class OperatorsThere(BaseModel):
    """That much of a bulletin."""

    operators: int = Field(default=0, ge=0)


def operators_in(bulletins: Mapping[str, bytes]) -> int:
    """Of a bulletin that cannot be read nobody is counted."""
    count = 0
    for text in bulletins.values():
        with contextlib.suppress(ValidationError):
            count += OperatorsThere.model_validate_json(text).operators
    return count


class FollowThese(StrictModel):
    """All sessions of the addressee that `by` follows, said again every second. Of those in `anew`
    the last minutes are wanted, too.
    """

    type: Literal["follow"] = "follow"
    by: Token
    sessions: tuple[SessionId, ...]
    anew: tuple[SessionId, ...] = ()


class OperateThere(StrictModel):
    """`name` is whose command it is, as others see it."""

    type: Literal["operate"] = "operate"
    by: Token
    id: int
    session: SessionId
    command: OperatorCommand
    name: str = Field(default="", max_length=MOST_NAME_CHARS)


class MomentsFollow(StrictModel):
    """The body has a moment a line. 0: it is the last minutes, a list; what is told later counts on
    from there.
    """

    type: Literal["moments"] = "moments"
    session: SessionId
    number: int = Field(ge=0)


class AnswerFollows(StrictModel):
    """To the command of that `id`."""

    type: Literal["answer"] = "answer"
    id: int
    error: str | None = None
    status: Status | None = None


LetterHead = Annotated[
    FollowThese | OperateThere | MomentsFollow | AnswerFollows, Field(discriminator="type")
]
HEAD: TypeAdapter[LetterHead] = TypeAdapter(LetterHead)
