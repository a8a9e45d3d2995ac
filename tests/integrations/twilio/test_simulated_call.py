"""The simulated call ends, and goes on, where a real one does."""

from __future__ import annotations

import asyncio

from interject.integrations.twilio.simulator.call_status import CallParties
from tests.integrations.twilio.stage import COPILOT_URL, telephone
from tests.waiting import until

FLOW = "https://flow.example.com/the-former-webhook"


async def test_a_call_that_ends_before_its_stream_is_open_leaves_none_behind() -> None:
    async with telephone(copilot_then="+442071838750") as stage, asyncio.timeout(5):
        call = stage.cloud.new_call(CallParties())
        document = (await call.fetch(COPILOT_URL)).partition("<Dial")[0]
        await call.run(f"{document}</Response>")
        assert call.status.is_over
        assert call.stream.ended.is_set()
        assert not call.stream.began.is_set()
        await until(lambda: not stage.board.calls, "the end of the call in the server")


async def test_a_call_goes_on_with_whoever_the_twiml_of_another_server_dials() -> None:
    async with (
        telephone(copilot_then=FLOW) as stage,
        stage.cloud.phones(COPILOT_URL) as call,
    ):
        await until(lambda: call.callee_is_there, "somebody who answers")
        await until(lambda: call.streams and call.stream.began.is_set(), "the copilot's stream")
        assert (call.script.dialled, call.alerts) == ([FLOW], [])
