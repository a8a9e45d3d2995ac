"""A platform's end of a call that keeps what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.agent.outputs import OutputEvent
    from interject.integrations.conversation.announcement import Notice
    from interject.integrations.conversation.cues import CueMessage
    from interject.integrations.conversation.decision_message import DecisionMessage


class FakeLine:
    """A screen, or with `writes=False` a telephone."""

    def __init__(self, *, writes: bool = True) -> None:
        self.writes = writes
        self.notices: list[tuple[Notice, str, list[str]]] = []
        self.cues: list[tuple[CueMessage, list[str]]] = []
        self.decisions: list[DecisionMessage] = []
        self.events: list[OutputEvent] = []

    async def send_notice(self, notice: Notice, text: str, identities: list[str]) -> None:
        self.notices.append((notice, text, identities))

    async def send_cue(self, cue: CueMessage, identities: list[str]) -> None:
        self.cues.append((cue, identities))

    async def send_decision(self, decision: DecisionMessage) -> None:
        self.decisions.append(decision)

    async def emit(self, event: OutputEvent) -> None:
        self.events.append(event)
