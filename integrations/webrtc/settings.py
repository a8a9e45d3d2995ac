"""By which way browsers connect, and when one counts as gone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from interject.config.strict import StrictModel
from interject.integrations.webrtc.turn_server import TurnServer

StunUrl = Annotated[str, StringConstraints(pattern=r"^stun:[^?:\s]+(:\d+)?$")]


class WebRtcSettings(StrictModel):
    """`connect_within_s` is the time from the answer to a connection; a caller of whom neither
    sound nor a message has come for `gone_after_s` has gone. There is no STUN server unless one is
    named. `relay_only` leaves every way out but TURN.
    """

    stun: tuple[StunUrl, ...] = Field(default=(), strict=False)
    turn: TurnServer | None = None
    relay_only: bool = False
    connect_within_s: float = Field(default=10.0, gt=0)
    gone_after_s: float = Field(default=10.0, ge=3)
