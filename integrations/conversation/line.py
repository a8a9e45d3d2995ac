"""The platform's end of a call, beside its sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from interject.integrations.conversation.announcement import NoticeSender
from interject.integrations.conversation.cues import CueSender
from interject.integrations.conversation.decision_message import DecisionSender

if TYPE_CHECKING:
    from interject.agent.outputs import OutputEvent


class Line(NoticeSender, CueSender, DecisionSender, Protocol):
    """Where writing goes. What a platform has no way for it ignores."""

    @property
    def writes(self) -> bool:
        """Whether people can read here. Where not, as on a telephone, what they must be told is
        said aloud.
        """

    async def emit(self, event: OutputEvent) -> None:
        """As an `Output`: what was said, and what is posted."""
