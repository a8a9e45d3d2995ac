"""What a realtime model is made with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from interject.integrations.audio.ranges import DBFS, within
from interject.integrations.audio.talk_over import TalkOver, fresh_talk_over
from interject.integrations.conversation.runtime_connection import ReconnectBackoff

if TYPE_CHECKING:
    from livekit.agents.stt import STT

    from interject.config import Profile
    from interject.model_runtime.protocol import FloorMode


@dataclass(frozen=True, slots=True)
class Settings:
    """`barge_in`: what cuts the agent when somebody talks over it; none: nothing does.

    A reply that was asked for has to begin within `reply_timeout_s`. `stt` writes down what people
    say; from `speech_dbfs` on somebody is said to speak.
    """

    profile: Profile
    threshold: float
    mode: FloorMode
    barge_in: TalkOver | None = None
    reply_timeout_s: float = 10.0
    stt: STT[Any] | None = None
    speech_dbfs: float | None = None
    backoff: ReconnectBackoff = field(default_factory=ReconnectBackoff)

    def __post_init__(self) -> None:
        """:raises ValueError: for the first that is out of its range."""
        within("threshold", self.threshold, 0, 1)
        within("reply_timeout_s", self.reply_timeout_s, 0, 3_600)
        if self.speech_dbfs is not None:
            within("speech_dbfs", self.speech_dbfs, *DBFS)

    def talk_over(self) -> TalkOver | None:
        """A counter of its own for each session."""
        return fresh_talk_over(self.barge_in)
