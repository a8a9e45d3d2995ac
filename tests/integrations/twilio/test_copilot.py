"""A silent listener in a call between two people."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from interject.config import load_profile
from interject.integrations.conversation.copilot_profile import SHIPPED
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.twilio.stage import COPILOT_URL, VOICE_URL, telephone
from tests.waiting import until

LOUD = -30.0
DESK = "+442071838750"
SPEECH = (8_000 * np.sin(np.arange(16_000) / 3)).astype(np.int16)
ASSIST: dict[str, Any] = {"mode": "assist", "outputs": ("cue",), "room": {"announce": "none"}}


def heard(runtime: FakeRuntime) -> set[str]:
    """Who spoke, above the noise of the line."""
    frames = runtime.sessions[-1].frames
    return {one.identity for frame in frames for one in frame.speakers if one.level_dbfs > LOUD}


async def test_both_are_heard_and_told_apart_and_a_cue_goes_to_the_human_s_screen() -> None:
    runtime = FakeRuntime({6: Scripted("Offer the refund.")})
    async with (
        telephone(runtime, profile=ASSIST, copilot_then=DESK) as stage,
        stage.cloud.phones(COPILOT_URL) as call,
    ):
        await until(lambda: runtime.sessions and runtime.sessions[-1].frames, "the first frame")
        await call.handset.say(SPEECH)
        await until(lambda: heard(runtime) == {"customer"}, "the customer")
        await call.callee.say(SPEECH)
        await until(lambda: heard(runtime) == {"customer", "agent"}, "the agent")
        await until(lambda: stage.screens.cues, "the cue")
        call_id, cue, identities = stage.screens.cues[0]
        assert (call_id, cue.text, identities) == (call.sid, "Offer the refund.", ["agent"])
        assert call.stream.received.total() == 0, "nothing is ever played"
        assert call.alerts == []
        await call.hang_up()
        await until(lambda: not stage.board.taken, "the seat")


async def test_the_other_way_round_where_the_agent_called() -> None:
    runtime = FakeRuntime()
    async with (
        telephone(runtime, profile=ASSIST, copilot_then=DESK) as stage,
        stage.cloud.phones(f"{COPILOT_URL}?inbound=agent") as call,
    ):
        await until(lambda: runtime.sessions and runtime.sessions[-1].frames, "the first frame")
        await call.handset.say(SPEECH)
        await until(lambda: heard(runtime), "the agent")
        assert heard(runtime) == {"agent"}


async def test_a_copilot_that_is_lost_leaves_the_call_as_it_is() -> None:
    async with (
        telephone(profile=ASSIST, copilot_then=DESK) as stage,
        stage.cloud.phones(COPILOT_URL) as call,
    ):
        await until(lambda: stage.runtime.sessions and stage.model.frames, "the first frame")
        stage.runtime.slots = 0
        stage.model.break_off("the worker is gone")
        await until(lambda: not stage.board.taken, "its end")
        assert not call.over.is_set()
        assert call.script.announced == []
        assert call.callee_is_there
        assert stage.api.requests == []


async def test_a_copilot_that_leaves_ends_no_call() -> None:
    async with (
        telephone(profile=ASSIST, copilot_then=DESK) as stage,
        stage.cloud.phones(COPILOT_URL) as call,
    ):
        await until(lambda: stage.board.calls, "the agent")
        await stage.board.calls[0].leave()
        await until(lambda: not stage.board.taken, "its end")
        assert stage.api.requests == []
        assert not call.over.is_set()


async def test_a_copilot_joins_a_call_that_is_under_way() -> None:
    async with (
        telephone(profile=ASSIST, copilot_then=DESK, most_calls=2) as stage,
        stage.cloud.phones(VOICE_URL) as call,
    ):
        await until(lambda: stage.board.calls, "the bot")
        await stage.operator.post(f"/twilio/calls/{call.sid}/transfer", json={"to": DESK})
        await until(lambda: not stage.board.taken and call.callee_is_there, "the human")
        answer = await stage.operator.post(f"/twilio/calls/{call.sid}/copilot")
        assert answer.json() == {"sid": call.sid}
        await until(lambda: stage.board.calls, "the copilot")
        [shown] = (await stage.operator.get("/twilio/calls")).json()
        assert (shown["sid"], shown["kind"]) == (call.sid, "copilot")
        await call.callee.say(SPEECH)
        await until(lambda: "agent" in heard(stage.runtime), "the agent")


async def test_a_copilot_that_is_asked_for_again_joins_once_also_on_a_full_server() -> None:
    async with (
        telephone(profile=ASSIST, copilot_then=DESK, most_calls=1) as stage,
        stage.cloud.phones(VOICE_URL) as call,
    ):
        await until(lambda: stage.board.calls, "the bot")
        path = f"/twilio/calls/{call.sid}/copilot"
        refused = await stage.operator.post(path)
        assert refused.status_code == 409
        assert "an agent talks in this call" in refused.json()["detail"]
        await stage.operator.post(f"/twilio/calls/{call.sid}/transfer", json={"to": DESK})
        await until(lambda: not stage.board.taken and call.callee_is_there, "the human")
        answers = await asyncio.gather(*(stage.operator.post(path) for _ in range(4)))
        assert [answer.json() for answer in answers] == [{"sid": call.sid}] * 4
        await until(lambda: stage.board.calls, "the copilot")
        assert (await stage.operator.post(path)).json() == {"sid": call.sid}
        other = await stage.operator.post(path, json={"inbound": "agent"})
        assert other.status_code == 409
        orders = [path for path, _ in stage.api.requests if path.endswith("/Streams.json")]
        assert len(orders) == 1
        assert stage.board.taken == 1


async def test_a_stream_that_twilio_does_not_open_gives_its_seat_back() -> None:
    async with telephone(profile=ASSIST) as stage:
        answer = await stage.operator.post("/twilio/calls/CA1/copilot")
        assert answer.status_code == 404
        assert stage.board.taken == 0


async def test_a_copilot_may_have_a_profile_of_its_own() -> None:
    own = load_profile("call_center_copilot")
    async with (
        telephone(copilot_then=DESK, copilot_profile=own) as stage,
        stage.cloud.phones(COPILOT_URL),
    ):
        await until(lambda: stage.runtime.sessions, "the session")
        assert stage.model.options.system_prompt == own.system_prompt


async def test_without_a_role_that_can_be_read_a_copilot_has_the_shipped_one() -> None:
    runtime = FakeRuntime({2: Scripted("Offer the refund.")})
    async with (
        telephone(runtime, copilot_then=DESK) as stage,
        stage.cloud.phones(COPILOT_URL),
    ):
        await until(lambda: stage.screens.cues, "the cue")
        assert stage.model.options.system_prompt == load_profile(SHIPPED).system_prompt
