"""A line that shows nothing by itself. Whoever looks at a screen beside it may be shown cues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from interject.agent.outputs import OutputEvent
    from interject.integrations.conversation.announcement import Notice
    from interject.integrations.conversation.cues import CueMessage
    from interject.integrations.conversation.decision_message import DecisionMessage


class CallScreens(Protocol):
    """People's screens, by the call that they are in, and programs that follow calls."""

    async def send_cue(self, call_id: str, cue: CueMessage, identities: list[str]) -> None: ...

    async def send_decision(self, call_id: str, decision: DecisionMessage) -> None: ...

    async def emit(self, event: OutputEvent) -> None: ...


class ScreenLine:
    """The `Line` of a call whose people cannot read, as on a telephone."""

    writes = False

    def __init__(self, call_id: str, screens: CallScreens | None) -> None:
        self._call_id = call_id
        self._screens = screens

    async def send_notice(self, notice: Notice, text: str, identities: list[str]) -> None:
        """Nobody can read here."""

    async def send_cue(self, cue: CueMessage, identities: list[str]) -> None:
        if self._screens is not None:
            await self._screens.send_cue(self._call_id, cue, identities)

    async def send_decision(self, decision: DecisionMessage) -> None:
        if self._screens is not None:
            await self._screens.send_decision(self._call_id, decision)

    async def emit(self, event: OutputEvent) -> None:
        if self._screens is not None:
            await self._screens.emit(event)
