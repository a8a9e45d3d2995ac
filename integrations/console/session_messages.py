"""What the console's web socket carries, beside the moments of sessions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from interject.config.strict import StrictModel
from interject.integrations.console.access import ConsoleRole
from interject.integrations.console.operator_commands import OperatorCommand
from interject.integrations.console.session_view import SessionPulse, SessionView
from interject.integrations.conversation.control_messages import Status
from interject.integrations.web.living_cards import MOST_NAME_CHARS

MOST_ID_CHARS = 64
MOST_NUMBER = 2**53 - 1
"""JavaScript counts no further."""
OrderNumber = Annotated[int, Field(ge=0, le=MOST_NUMBER, strict=True)]
SessionId = Annotated[str, Field(min_length=1, max_length=MOST_ID_CHARS)]

# From a page


class SignIn(StrictModel):
    """The first message. `name` is how the others see who has marked a card."""

    type: Literal["sign_in"]
    token: str = Field(default="", max_length=1_000, repr=False)
    name: str = Field(default="", max_length=MOST_NAME_CHARS)


class FollowSession(StrictModel):
    type: Literal["follow"]
    session: SessionId


class LeaveSession(StrictModel):
    """Follow it no more."""

    type: Literal["unfollow"]
    session: SessionId


class OperateSession(StrictModel):
    """It is answered, with the same `id`."""

    type: Literal["command"]
    id: OrderNumber
    session: SessionId
    command: OperatorCommand


class NumberedOrder(BaseModel):
    """As much of an order as its answer needs, where the rest of it cannot be read."""

    type: Literal["command"]
    id: OrderNumber


PageMessage = Annotated[FollowSession | LeaveSession | OperateSession, Field(discriminator="type")]
PAGE_MESSAGE: TypeAdapter[PageMessage] = TypeAdapter(PageMessage)

# To a page


class Welcome(StrictModel):
    """`time` is the server's clock, in seconds since 1970. `talk`: calls of browsers are taken."""

    type: Literal["welcome"] = "welcome"
    role: ConsoleRole
    time: float
    version: str
    talk: bool


class Sessions(StrictModel):
    """All that there are, once at the beginning."""

    type: Literal["sessions"] = "sessions"
    sessions: tuple[SessionView, ...]


class SessionChanged(StrictModel):
    """One that is new, or is not what it was."""

    type: Literal["session"] = "session"
    session: SessionView


class SessionGone(StrictModel):
    """One that is listed no more."""

    type: Literal["gone"] = "gone"
    session: str


class Pulse(StrictModel):
    """Once a second: the server is there, and this is how its sessions do."""

    type: Literal["pulse"] = "pulse"
    time: float
    sessions: tuple[SessionPulse, ...]


class CommandAnswer(StrictModel):
    """`error` is null where it was done; `status` is what holds now."""

    type: Literal["answer"] = "answer"
    id: int
    error: str | None = None
    status: Status | None = None


class Complaint(StrictModel):
    """A message was not understood, or cannot be followed; the socket stays open."""

    type: Literal["complaint"] = "complaint"
    reason: str
