"""Somebody phones, and the agent talks with him."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.conversation.runtime_connection import ReconnectBackoff
from interject.integrations.twilio.simulator.call import SimulatedCall
from interject.integrations.twilio.simulator.call_status import CallStatus
from interject.model_runtime.protocol import RuntimeAway
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.log_lines import log_lines
from tests.integrations.twilio.stage import VOICE_URL, telephone
from tests.waiting import until

if TYPE_CHECKING:
    from interject.model_runtime.protocol import SessionOptions
    from tests.fakes.runtime import FakeRuntimeSession
    from tests.integrations.twilio.stage import Stage

SPEECH = (8_000 * np.sin(np.arange(16_000) / 3)).astype(np.int16)
SILENT = {"room": {"announce": "none"}}


async def talking(stage: Stage, call: SimulatedCall) -> None:
    await until(lambda: stage.runtime.sessions and stage.model.frames, "the first frame")


async def test_a_caller_is_heard_and_hears_the_reply() -> None:
    words = "Good morning."
    runtime = FakeRuntime({1: Scripted(words)})
    async with telephone(runtime, profile=SILENT) as stage, stage.cloud.phones(VOICE_URL) as call:
        await talking(stage, call)
        await call.handset.say(SPEECH)
        await until(lambda: stage.model.heard_reports, "the reply to be heard")
        await until(lambda: (0, len(words)) in stage.model.heard_reports, "all of it")
        assert call.heard_after(0.0) is not None
        loud = [frame for frame in stage.model.frames if frame.speakers]
        assert {speaker.identity for frame in loud for speaker in frame.speakers} == {"caller"}
        assert call.alerts == []
        assert call.stream.playout.most_held_s <= 0.26
        assert stage.board.taken == 1
        await call.hang_up()
        await until(lambda: not stage.board.taken, "the seat")
    assert stage.metric("streams_ended_total", ending="hung_up") == 1
    assert stage.api.requests == []


async def test_every_line_of_a_call_in_the_log_says_of_which_call_it_is() -> None:
    runtime = FakeRuntime({1: Scripted("Good morning.")})
    with log_lines() as lines:
        async with (
            telephone(runtime, profile=SILENT) as stage,
            stage.cloud.phones(VOICE_URL) as call,
            stage.cloud.phones(VOICE_URL) as other,
        ):
            sids = {call.sid, other.sid}
            await until(lambda: len(stage.board.calls) == 2, "both")
            await until(lambda: any(one.heard_reports for one in runtime.sessions), "the reply")
    assert len(lines) > 6
    assert [line for line in lines if not any(f" call={sid}" in line for sid in sids)] == []


async def test_a_caller_is_told_aloud_that_an_agent_listens() -> None:
    async with telephone() as stage, stage.cloud.phones(VOICE_URL) as call:
        await until(lambda: call.heard_after(0.0) is not None, "the announcement")


async def test_what_is_cut_off_was_not_heard() -> None:
    words = "One two three, four five six. Seven eight nine ten, and so on, until it is all over."
    runtime = FakeRuntime({1: Scripted(words)})
    async with telephone(runtime, profile=SILENT) as stage, stage.cloud.phones(VOICE_URL) as call:
        await until(lambda: call.heard_after(0.0) is not None, "the reply")
        await asyncio.sleep(1.0)
        [agent] = stage.board.calls
        await agent.interrupt()
        await until(lambda: call.stream.received["clear"], "the clear")
        await until(lambda: stage.model.cancelled, "the report")
        held_s = call.stream.playout.held_s
        heard = stage.model.cancelled[0].heard_chars
        assert 0 < heard < len(words) / 2
        assert held_s == 0


async def test_keys_reach_the_model() -> None:
    async with telephone(profile=SILENT) as stage, stage.cloud.phones(VOICE_URL) as call:
        await talking(stage, call)
        call.press("7")
        await until(lambda: any("7" in text for text in stage.model.told), "the key")


async def test_an_agent_that_leaves_ends_the_call_without_an_apology() -> None:
    async with telephone(profile=SILENT) as stage, stage.cloud.phones(VOICE_URL) as call:
        await talking(stage, call)
        [agent] = stage.board.calls
        await agent.leave()
        await asyncio.wait_for(call.over.wait(), 20)
        assert call.script.announced == []
        assert stage.api.requests[-1][1] == {"Status": "completed"}
        await until(lambda: not stage.board.taken, "the seat")
    assert stage.metric("streams_ended_total", ending="agent_left") == 1


async def test_a_caller_who_hangs_up_at_the_same_moment_as_the_agent_is_no_failure() -> None:
    with log_lines() as lines:
        async with telephone(profile=SILENT) as stage, stage.cloud.phones(VOICE_URL) as call:
            await talking(stage, call)
            [agent] = stage.board.calls
            call.status = CallStatus.COMPLETED
            await agent.leave()
            await until(lambda: not stage.board.taken, "the seat")
            call.status = CallStatus.IN_PROGRESS
    assert stage.api.requests[-1][1] == {"Status": "completed"}
    assert [line for line in lines if "could not be ended" in line] == []


@pytest.mark.parametrize("human", [None, "+442071838750"])
async def test_a_caller_whose_agent_is_lost_hears_a_sentence(human: str | None) -> None:
    async with telephone(profile=SILENT, human_number=human, failed_sentence="Oh!") as stage:
        async with stage.cloud.phones(VOICE_URL) as call:
            await talking(stage, call)
            stage.runtime.slots = 0
            stage.model.break_off("the worker is gone")
            await until(lambda: call.script.announced, "the sentence")
            assert call.script.announced == ["Oh!"]
            if human is None:
                await asyncio.wait_for(call.over.wait(), 20)
            else:
                await until(lambda: call.script.dialled == [human], "the human")
        assert stage.api.requests == []
        assert stage.metric("streams_ended_total", ending="agent_lost") == 1


class ComesAndGoes(FakeRuntime):
    """One whose worker is away now and then."""

    away = False

    async def open(self, options: SessionOptions) -> FakeRuntimeSession:
        if self.away:
            raise RuntimeAway("redis cannot be reached")
        return await super().open(options)


def test_a_runtime_that_is_away_is_waited_for_a_minute() -> None:
    assert ReconnectBackoff().give_up_s == 60.0


async def test_a_caller_waits_for_a_runtime_that_never_comes_back_and_then_is_told() -> None:
    runtime, backoff = ComesAndGoes(), ReconnectBackoff(0.05, 0.1, give_up_s=1.0)
    async with (
        telephone(runtime, profile=SILENT, backoff=backoff, failed_sentence="Oh!") as stage,
        stage.cloud.phones(VOICE_URL) as call,
    ):
        await talking(stage, call)
        runtime.away = True
        lost_s = call.now_s
        stage.model.break_off("the worker is gone")
        await call.handset.say(SPEECH[:8_000])
        assert call.script.announced == []
        assert not call.stream.ended.is_set()
        await until(lambda: call.script.announced, "the sentence")
        assert call.now_s - lost_s >= 0.9
        assert call.script.announced == ["Oh!"]
        await asyncio.wait_for(call.over.wait(), 20)
        await until(lambda: not stage.board.taken, "the seat")
        assert stage.metric("streams_ended_total", ending="agent_lost") == 1
        assert stage.api.requests == [], "the sentence follows from the TwiML alone"


async def test_a_runtime_that_comes_back_in_time_goes_on_with_the_call() -> None:
    runtime, backoff = ComesAndGoes(), ReconnectBackoff(0.05, 0.1, give_up_s=20.0)
    async with (
        telephone(runtime, profile=SILENT, backoff=backoff) as stage,
        stage.cloud.phones(VOICE_URL) as call,
    ):
        await talking(stage, call)
        runtime.away = True
        stage.model.break_off("the worker is gone")
        await asyncio.sleep(0.3)
        runtime.away = False
        await until(lambda: len(runtime.sessions) == 2, "another session")
        await call.handset.say(SPEECH)
        await until(lambda: any(frame.speakers for frame in stage.model.frames), "the caller")
        assert call.script.announced == []


async def test_a_call_that_is_sent_back_to_the_agent_keeps_its_seat() -> None:
    """The webhook is asked before the former stream is over."""
    async with (
        telephone(profile=SILENT, most_calls=1) as stage,
        stage.cloud.phones(VOICE_URL) as call,
    ):
        await talking(stage, call)
        await call.follow(await call.fetch(VOICE_URL))
        await until(lambda: len(stage.runtime.sessions) == 2, "another agent")
        await until(lambda: stage.board.of("twilio", call.sid) is not None, "it to have the call")
        await call.handset.say(SPEECH)
        await until(lambda: any(frame.speakers for frame in stage.model.frames), "the caller")
        assert (stage.board.taken, call.script.announced) == (1, [])


async def test_a_second_stream_of_a_call_disturbs_no_first_one() -> None:
    async with (
        telephone(profile=SILENT, failed_sentence="Oh!") as stage,
        stage.cloud.phones(VOICE_URL) as call,
    ):
        await talking(stage, call)
        twin = SimulatedCall(stage.cloud.network, call.parties)
        twin.sid = call.sid
        running = asyncio.create_task(twin.run(await twin.fetch(VOICE_URL)))
        await until(lambda: twin.streams and twin.stream.ended.is_set(), "its refusal")
        assert twin.stream.close_code == 1013
        assert not call.stream.ended.is_set()
        assert stage.board.taken == 1
        await running


async def test_the_star_key_stops_the_listening_and_lets_it_go_on() -> None:
    async with telephone(profile=SILENT) as stage, stage.cloud.phones(VOICE_URL) as call:
        await talking(stage, call)
        [agent] = stage.board.calls
        call.press("*")
        await until(lambda: not agent.consent.listening, "it to stop")
        call.press("*")
        await until(lambda: agent.consent.listening, "it to go on")


async def test_a_runtime_that_is_full_only_at_the_last_moment_is_no_silence() -> None:
    runtime = FakeRuntime(slots=0)
    async with (
        telephone(runtime, failed_sentence="Oh!") as stage,
        stage.cloud.phones(VOICE_URL) as call,
    ):
        await until(lambda: call.script.announced, "the sentence")
        await asyncio.wait_for(call.over.wait(), 20)
        assert call.status is CallStatus.COMPLETED
        await until(lambda: not stage.board.taken, "the seat")


async def test_a_socket_that_is_cut_ends_its_session_and_no_other() -> None:
    async with (
        telephone(profile=SILENT) as stage,
        stage.cloud.phones(VOICE_URL) as call,
        stage.cloud.phones(VOICE_URL) as other,
    ):
        await until(lambda: len(stage.board.calls) == 2, "both calls")
        call.stream.cut()
        await until(lambda: len(stage.board.calls) == 1, "the end of one")
        assert not other.stream.ended.is_set()
        [agent] = stage.board.calls
        assert agent.call_id == other.sid
        assert other.alerts == []
