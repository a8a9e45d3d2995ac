"""The way to the runtime, with the error that a realtime session of LiveKit's raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.agents import llm

from interject.integrations.conversation.runtime_connection import (
    CommandsOverflow,
    RuntimeConnection,
)

if TYPE_CHECKING:
    from interject.integrations.conversation.runtime_connection import Command


class RealtimeConnection(RuntimeConnection):
    def command(self, command: Command, *, session_id: str | None = None) -> None:
        """:raises livekit.agents.llm.RealtimeError: when too many wait for the runtime."""
        try:
            super().command(command, session_id=session_id)
        except CommandsOverflow as error:
            raise llm.RealtimeError(str(error)) from error
