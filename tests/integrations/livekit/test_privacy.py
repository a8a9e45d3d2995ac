"""What people say and what they are told is in no log, whatever the level."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from livekit.agents.voice.room_io import TextInputEvent

from interject.integrations.livekit.builder import on_text
from interject.model_runtime.protocol import Cause, Emotion
from tests.fakes.livekit_audio import silence
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.livekit.stage import opened, stage
from tests.waiting import until

if TYPE_CHECKING:
    import pytest

SECRET = "marzipan"
PLAIN = frozenset(vars(logging.makeLogRecord({})))


def shown(record: logging.LogRecord) -> str:
    """What a log line may show anywhere, whoever keeps it."""
    extra = {name: value for name, value in vars(record).items() if name not in PLAIN}
    return f"{record.getMessage()} {extra} {record.exc_info}"


async def test_no_log_line_holds_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime, by_hand=True, instructions=f"Never say {SECRET}.") as here:
        model = await opened(runtime)
        model.reply(Scripted(f"The word is {SECRET}."), cause=Cause.MODEL)
        await until(lambda: here.speaker.whole)
        model.reply(Scripted(f"{SECRET}!", Emotion.URGENT), cause=Cause.MODEL)
        await until(lambda: here.speaker.interrupted == [True])
        await until(lambda: here.speaker.whole)
        here.speaker.play_all()
        await on_text(here.agent, TextInputEvent(text=SECRET))
        await until(lambda: here.speaker.whole)
        here.speaker.play_all()
        await here.hear(silence(1.0))
        handle = here.agent.generate_reply(user_input=SECRET)
        await until(lambda: here.speaker.whole)
        here.speaker.play_all()
        await handle
        model.break_off("the engine died")
        await until(lambda: here.reconnections)
    leaks = [record for record in caplog.records if SECRET in shown(record)]
    assert [(record.name, record.msg) for record in leaks] == []
