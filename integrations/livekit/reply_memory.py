"""What the model's memory is told of its replies: how much of each was heard."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from livekit.agents import llm

if TYPE_CHECKING:
    from interject.integrations.conversation.runtime_connection import Command
    from interject.integrations.livekit.realtime_connection import RealtimeConnection
    from interject.model_runtime.protocol import ReplyStarted


class ReplyMemory:
    """A runtime that is away for so long that commands overflow has forgotten the reply."""

    def __init__(self, connection: RealtimeConnection) -> None:
        self._connection = connection

    def cancel(self, started: ReplyStarted, *, heard_chars: int) -> None:
        reply_id = started.reply_id
        self._correct(started, lambda session: session.cancel(reply_id, heard_chars=heard_chars))

    def heard(self, started: ReplyStarted, *, chars: int) -> None:
        reply_id = started.reply_id
        self._correct(started, lambda session: session.heard(reply_id, chars=chars))

    def _correct(self, started: ReplyStarted, command: Command) -> None:
        with contextlib.suppress(llm.RealtimeError):
            self._connection.command(command, session_id=started.session_id)
