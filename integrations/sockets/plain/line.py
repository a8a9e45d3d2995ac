"""What an agent writes, to whoever dialled in, and to the screens beside it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pydantic_core import to_jsonable_python

from interject.agent.outputs import Cue
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.integrations.sockets.plain.messages import told
from interject.integrations.web.screen_line import ScreenLine
from interject.integrations.web.webhook_event import webhook_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.outputs import OutputEvent
    from interject.integrations.conversation.announcement import Notice
    from interject.integrations.conversation.cues import CueMessage
    from interject.integrations.conversation.decision_message import DecisionMessage
    from interject.integrations.web.screen_line import CallScreens


class PlainLine(ScreenLine):
    """A `Line` of messages, each as a webhook has it."""

    def __init__(
        self,
        call_id: str,
        screens: CallScreens | None,
        write: Callable[[str], None],
        *,
        reads: bool,
        decisions: bool,
    ) -> None:
        super().__init__(call_id, screens)
        self._write = write
        self._decisions = decisions
        self.writes = reads

    async def send_notice(self, notice: Notice, text: str, identities: list[str]) -> None:
        self._write(told("notice", notice=notice.value, text=text, identities=identities))

    async def send_cue(self, cue: CueMessage, identities: list[str]) -> None:
        await super().send_cue(cue, identities)
        shown = cue.model_dump(mode="json")
        self._write(told("cue", cue=shown, identities=identities))

    async def send_decision(self, decision: DecisionMessage) -> None:
        await super().send_decision(decision)
        if self._decisions:
            self._write(told("decision", decision=decision.model_dump(mode="json")))

    async def emit(self, event: OutputEvent) -> None:
        await super().emit(event)
        if not isinstance(event, Cue | AskedTool):
            said = webhook_event(event, now=time.time())
            self._write(told(said.type, **to_jsonable_python(said.data)))
