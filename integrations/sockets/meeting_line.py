"""What an agent writes in a meeting: into the chat, if it may, and to the screens beside it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from interject.agent.outputs import Posted
from interject.integrations.conversation.announcement import Notice
from interject.integrations.web.screen_line import ScreenLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.outputs import OutputEvent
    from interject.integrations.sockets.meeting_control import MeetingControl
    from interject.integrations.web.screen_line import CallScreens

AGAIN_S = 5.0
"""All read the chat: who came within seconds of another one has read what that one was told. What
was refused is not tried for each of a crowd either.
"""


class MeetingLine(ScreenLine):
    """A `Line`. Without a control nobody can read, and what people must be told is said."""

    def __init__(
        self,
        call_id: str,
        screens: CallScreens | None,
        control: MeetingControl | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(call_id, screens)
        self._control = control
        self._clock = clock
        self._told: tuple[Notice, float] | None = None
        self.writes = control is not None

    async def send_notice(self, notice: Notice, text: str, identities: list[str]) -> None:
        if self._control is None or self._is_told(notice):
            return
        self._told = notice, self._clock()
        await self._control.post(self._call_id, text)

    async def emit(self, event: OutputEvent) -> None:
        await super().emit(event)
        if isinstance(event, Posted) and self._control is not None:
            await self._control.post(self._call_id, event.written)

    def _is_told(self, notice: Notice) -> bool:
        if self._told is None or notice is Notice.UNREAD:
            return False
        last, at = self._told
        return last is notice and self._clock() - at < AGAIN_S
