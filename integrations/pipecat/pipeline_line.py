"""What a call makes known beside its sound: to the handlers of the service's events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from interject.integrations.conversation.announcement import Notice

if TYPE_CHECKING:
    from interject.agent.outputs import OutputEvent
    from interject.integrations.conversation.cues import CueMessage
    from interject.integrations.conversation.decision_message import DecisionMessage


class PipelineEvents(Protocol):
    """The service, as its line sees it."""

    def notify(self, text: str) -> None:
        """Say aloud what people are owed."""

    async def tell_decision(self, decision: DecisionMessage) -> None: ...

    async def tell_output(self, event: OutputEvent) -> None: ...

    async def tell_unread(self, text: str) -> None:
        """What somebody wrote is not read, for this reason."""


class PipelineLine:
    """The `Line` of a pipeline. Its notices are said, and as frames of their own, which no
    interruption drops; so it counts as one that writes.
    """

    writes = True

    def __init__(self, events: PipelineEvents) -> None:
        self._events = events

    async def send_notice(self, notice: Notice, text: str, identities: list[str]) -> None:
        if notice is Notice.UNREAD:
            await self._events.tell_unread(text)
        else:
            self._events.notify(text)

    async def send_cue(self, cue: CueMessage, identities: list[str]) -> None:
        """The event of the same card comes through `emit`."""

    async def send_decision(self, decision: DecisionMessage) -> None:
        await self._events.tell_decision(decision)

    async def emit(self, event: OutputEvent) -> None:
        await self._events.tell_output(event)
