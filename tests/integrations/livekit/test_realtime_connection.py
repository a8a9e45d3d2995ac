"""What a runtime that stays away too long means to whoever uses LiveKit's realtime session."""

from __future__ import annotations

import pytest
from livekit.agents import llm

from interject.integrations.conversation.runtime_connection import MAX_COMMANDS
from interject.integrations.livekit.realtime_connection import RealtimeConnection
from interject.model_runtime.protocol import SessionOptions
from tests.fakes.connection_notes import Notes
from tests.fakes.runtime import FakeRuntime


async def runtime() -> FakeRuntime:
    return FakeRuntime()


async def test_one_command_too_many_is_livekits_own_error() -> None:
    connection = RealtimeConnection(runtime, lambda name: SessionOptions(name), Notes())
    for _ in range(MAX_COMMANDS):
        connection.command(lambda session: session.answer_now())
    with pytest.raises(llm.RealtimeError, match="too much waits"):
        connection.command(lambda session: session.answer_now())
