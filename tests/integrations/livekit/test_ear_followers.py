"""A room as the console sees and operates it: LiveKit's session, and a runtime by a script."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.integrations.console.live_session import LiveSession
from interject.integrations.conversation.call_follower import CallFacts
from interject.integrations.livekit.room.ear_followers import EarFollowers
from interject.model_runtime.protocol import Cause, RuntimeFailure
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.livekit.stage import Stage, opened, stage
from tests.waiting import until

if TYPE_CHECKING:
    from interject.agent.outputs import Spoken

FACTS = CallFacts("AJ_job", "livekit", "default", "kitchen")
ALARM = "That is the smoke alarm."
SOUND = np.full(16_000, 4_000, np.int16)


async def nobody() -> bool:
    return False


def followed(there: Stage, identity: str | None = None) -> LiveSession:
    session = LiveSession(FACTS, lambda _: None, attended=nobody)
    EarFollowers((session,), identity).attach(there.ear)

    def made_known(spoken: Spoken) -> None:
        asyncio.get_running_loop().create_task(session.emit(spoken))

    there.ear.on("interject_spoken", made_known)
    return session


def moments(session: LiveSession, kind: str) -> list[Any]:
    return [one for one in json.loads(session.moments()) if one["type"] == kind]


async def test_decisions_and_replies_of_a_room_are_moments_of_one_ear() -> None:
    runtime = FakeRuntime(script={1: Scripted(ALARM)})
    async with stage(runtime) as there:
        session = followed(there)
        await there.hear(SOUND)
        await until(lambda: [one["stage"] for one in moments(session, "reply")] == ["over"])
        (reply,) = moments(session, "reply")
        assert (reply["text"], reply["heard_chars"], reply["ear"]) == (ALARM, len(ALARM), "")
        assert reply["first_text_s"] is not None
        chunks = moments(session, "chunk")
        assert [one["decision"]["chunk"] for one in chunks] == list(range(len(chunks)))
        assert {one["ear"] for one in chunks} == {""}


async def test_an_ear_of_one_person_has_his_name_also_after_the_runtime_was_lost() -> None:
    runtime = FakeRuntime()
    async with stage(runtime) as there:
        session = followed(there, "ann")
        for number in (1, 2):
            await until(lambda number=number: len(runtime.sessions) == number)  # type: ignore[misc]
            await there.hear(SOUND)
            runtime.sessions[-1].break_off("gone")
        await until(lambda: len(moments(session, "chunk")) > 2)
        assert {one["ear"] for one in moments(session, "chunk")} == {"ann"}


async def test_an_operator_s_words_are_said_and_remembered_and_an_answer_is_asked_for() -> None:
    runtime = FakeRuntime()
    async with stage(runtime) as there:
        session = followed(there)
        model = await opened(runtime)
        assert await there.ear.say_for("The lift is stuck.") is None
        await until(lambda: there.spoken)
        assert there.spoken[0].text == "The lift is stuck."
        assert [one["cause"] for one in moments(session, "reply")] == ["say"]
        there.ear.answer_now()
        await until(lambda: len(moments(session, "reply")) == 2)
        assert moments(session, "reply")[1]["cause"] == Cause.ANSWER_NOW
        refused = await there.ear.say_for("x" * 2_000)
        assert isinstance(refused, RuntimeFailure)
        assert model.session_id not in session.moments()


async def test_whoever_follows_a_room_is_asked_in_it_and_without_one_nobody() -> None:
    session = LiveSession(FACTS, lambda _: None, attended=nobody)
    assert EarFollowers((session,), None).operator is session.operator
    assert EarFollowers((), "ann").operator is None
