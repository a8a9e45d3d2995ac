"""The JSON of the RPC methods that switch a running agent."""

from __future__ import annotations

from pydantic import Field

from interject.config.strict import StrictModel
from interject.integrations.conversation.consent import Scope
from interject.model_runtime.protocol import FloorMode


class SetMode(StrictModel):
    """Payload of `interject.set_mode`."""

    mode: FloorMode = Field(strict=False)


class SetThreshold(StrictModel):
    """Payload of `interject.set_threshold`: the least P(respond) that starts a reply."""

    threshold: float = Field(ge=0, le=1)


class SetCap(StrictModel):
    """Payload of `interject.set_cap`; null lifts the cap on unprompted replies."""

    per_minute: int | None = Field(ge=0, le=150)


class Listening(StrictModel):
    """Payload of `interject.stop_listening` and `interject.resume_listening`."""

    who: Scope = Field(default=Scope.ROOM, strict=False)


class Nothing(StrictModel):
    """Payload of `interject.status`."""


class Status(StrictModel):
    """What every method answers. `withdrawn` are not heard while the others are."""

    mode: FloorMode
    threshold: float
    per_minute: int | None
    listening: bool
    withdrawn: tuple[str, ...]
