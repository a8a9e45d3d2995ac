"""What an agent is to do in a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.integrations.conversation.consent import may_control

if TYPE_CHECKING:
    from interject.config import Profile
    from interject.integrations.audio.talk_over import TalkOver
    from interject.model_runtime.protocol import Runtime

DEFAULT_RUNTIME = "local:nano"


@dataclass(frozen=True, slots=True)
class Role:
    """`cue_to` names who is shown cues, where it is not the profile's own list.

    `barge_in`: whether, and when, the agent falls silent because somebody talks over it.
    """

    profile: Profile
    runtime: str | Runtime = DEFAULT_RUNTIME
    cue_to: tuple[str, ...] | None = None
    barge_in: bool | TalkOver = False

    @property
    def addressees(self) -> tuple[str, ...]:
        return self.profile.room.cue_to if self.cue_to is None else self.cue_to

    def may_control(self, identity: str) -> bool:
        return may_control(self.profile.room, identity)
