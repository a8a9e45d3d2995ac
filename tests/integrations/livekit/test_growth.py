"""A session that lasts does not grow: not ours, and not LiveKit's."""

from __future__ import annotations

import gc

import pytest

from interject.integrations.livekit.attachment import MAX_HISTORY_ITEMS
from interject.integrations.livekit.generation import Generation
from interject.integrations.livekit.history import MAX_ITEMS, MAX_KNOWN
from interject.model_runtime.protocol import Cause
from tests.fakes.livekit_audio import silence
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.livekit.stage import opened, stage
from tests.waiting import until

REPLIES = 2 * MAX_HISTORY_ITEMS + 20


@pytest.mark.timeout(180)
async def test_many_replies_leave_nothing_behind() -> None:
    runtime = FakeRuntime(deciding=False)
    async with stage(runtime) as here:
        model = await opened(runtime)
        for number in range(REPLIES):
            model.reply(Scripted("Yes."), cause=Cause.ANSWER_NOW)
            if number % 10 == 0:
                await here.hear(silence(0.4))
            await until(lambda said=number: len(model.heard_reports) > said)  # type: ignore[misc]
        agent = here.agent.current_agent
        assert len(here.agent.history.items) <= 2 * MAX_HISTORY_ITEMS
        assert len(agent.chat_ctx.items) <= 2 * MAX_HISTORY_ITEMS
        assert len(here.agent._recorded_events) <= 20 * MAX_HISTORY_ITEMS
        assert len(here.ear.chat_ctx.items) <= MAX_ITEMS < MAX_KNOWN
        gc.collect()
        alive = [thing for thing in gc.get_objects() if type(thing) is Generation]
        assert len(alive) < 20
