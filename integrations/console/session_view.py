"""What is known of a session at a glance."""

from __future__ import annotations

from enum import StrEnum

from interject.config.strict import StrictModel
from interject.integrations.console.wish_view import WishView
from interject.integrations.conversation.control_messages import Status


class SessionStage(StrEnum):
    """`opening`: its model or its voice is not there yet. `lost`: another process serves it, and
    that cannot be reached, or has died.
    """

    OPENING = "opening"
    LIVE = "live"
    OVER = "over"
    LOST = "lost"


class SessionView(StrictModel):
    """`id` is the console's own; `call` is what the log calls it. `label` is what people may know
    it by. Of telephone numbers, in whatever field, the last two digits are left. `server` is the
    process that serves it. `began` and `ended` are seconds since 1970. `wishes` wait for an
    operator's yes, or have just had their answer.
    """

    id: str
    call: str
    door: str
    profile: str
    label: str
    server: str
    began: float
    stage: SessionStage = SessionStage.OPENING
    ended: float | None = None
    speakers: tuple[str, ...] = ()
    status: Status | None = None
    wishes: tuple[WishView, ...] = ()


class SessionPulse(StrictModel):
    """How a session does: its last decision, the loudest voice in it, and how much there was."""

    id: str
    p_respond: float | None = None
    responded: bool = False
    level_dbfs: float | None = None
    replies: int = 0
    cards: int = 0
    urgent: int = 0
