"""A real server with nano, and telephones that call it."""

from __future__ import annotations

import asyncio
import shutil
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.twilio.simulator.call_status import CallStatus
from interject.integrations.twilio.simulator.cloud import AnswerPlan
from interject.integrations.twilio.simulator.mulaw import RATE_HZ
from tests.live.livekit.agent import ALARM_S, kitchen
from tests.live.livekit.test_nano import spoken
from tests.live.twilio.calling import (
    TRIES,
    alarm_is_answered,
    connected,
    greeted,
    is_quiet,
    loud_s,
    quiet,
)
from tests.live.twilio.phone_server import NUMBER, VOICE_URL
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from interject.integrations.twilio.simulator.cloud import TwilioCloud
    from tests.live.twilio.phone_server import PhoneServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

MOST_AHEAD_S = 0.3
"""200 ms, and what this machine's haste adds."""


async def test_an_alarm_is_answered_and_heard_on_the_telephone(
    twilio: TwilioCloud, tmp_path: Path
) -> None:
    async with twilio.phones(VOICE_URL) as call:
        await greeted(call)
        began_s = call.now_s
        late_s = await alarm_is_answered(call)
        assert late_s < 4.0
        await quiet(call)
        call.recording.write(tmp_path / "call.wav")
        assert call.stream.playout.most_held_s <= MOST_AHEAD_S
        assert call.stream.received["mark"] > call.stream.received["media"] / 10
        assert call.alerts == []
    with wave.open(str(tmp_path / "call.wav")) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    said, heard = np.abs(both[round(began_s * RATE_HZ) :].astype(int)).max(axis=0)
    assert said > 2_000, "the alarm is on the left"
    assert heard > 2_000, "the answer is on the right"


async def test_who_talks_over_the_agent_is_given_the_floor(twilio: TwilioCloud) -> None:
    async with twilio.phones(VOICE_URL) as call:
        await greeted(call)
        await alarm_is_answered(call)
        cleared = call.stream.received["clear"]
        talk = spoken("wait a moment please, wait a moment please, i did not want that at all")
        talking = asyncio.create_task(call.handset.say(talk))
        await until(lambda: call.stream.received["clear"] > cleared or is_quiet(call), "silence")
        assert call.stream.received["clear"] > cleared
        await talking
        assert call.alerts == []


async def test_keys_are_pressed_and_the_call_goes_on(
    twilio: TwilioCloud, phone_server: PhoneServer
) -> None:
    async with twilio.phones(VOICE_URL) as call:
        await greeted(call)
        for digit in "7#":
            call.press(digit)
        await alarm_is_answered(call)
        sid = call.sid
    await until(lambda: _ended(phone_server, sid), "the end of the stream")
    assert _ended(phone_server, sid)[0]["reason"] == "hung_up"


async def test_a_call_is_put_through_to_somebody(
    twilio: TwilioCloud, phone_server: PhoneServer
) -> None:
    async with twilio.phones(VOICE_URL) as call:
        await connected(call)
        moved = await phone_server.operate(f"/twilio/calls/{call.sid}/transfer", to="+442071838751")
        assert moved.status_code < 300, moved.text
        await until(lambda: call.script.dialled, "the transfer")
        assert call.script.dialled == ["+442071838751"]
        assert call.stream.ended.is_set()
        assert not call.over.is_set()
        call.script.callee_hung_up.set()
        await until(call.over.is_set, "the end")
        assert call.script.announced == []
        assert call.alerts == []


async def test_the_operator_ends_a_call(twilio: TwilioCloud, phone_server: PhoneServer) -> None:
    async with twilio.phones(VOICE_URL) as call:
        await connected(call)
        ended = await phone_server.operate(f"/twilio/calls/{call.sid}/hangup")
        assert ended.status_code < 300, ended.text
        await until(call.over.is_set, "the end")
        assert call.status is CallStatus.COMPLETED
        assert call.script.announced == []


@pytest.mark.parametrize("who", ["human", "machine_start"])
async def test_a_call_is_placed_and_a_machine_is_left_alone(
    twilio: TwilioCloud, phone_server: PhoneServer, who: str
) -> None:
    twilio.answer = AnswerPlan(by=who)
    placed = await phone_server.operate("/twilio/calls", to="+442071838751")
    assert placed.status_code < 300, placed.text
    call = twilio.calls[placed.json()["sid"]]
    assert call.parties.caller == NUMBER
    if who == "human":
        await greeted(call)
        await call.hang_up()
    await until(call.over.is_set, "the end")
    assert len(call.streams) == (who == "human")


async def test_nobody_answers_a_call_that_was_placed(
    twilio: TwilioCloud, phone_server: PhoneServer
) -> None:
    twilio.answer = AnswerPlan(instead=CallStatus.BUSY)
    placed = await phone_server.operate("/twilio/calls", to="+442071838751")
    call = twilio.calls[placed.json()["sid"]]
    await until(call.over.is_set, "the end")
    await until(lambda: twilio.network.posted, "its status")
    _, form, answer = twilio.network.posted[-1]
    assert (form["CallStatus"], answer) == ("busy", 204)


async def test_a_socket_that_is_cut_ends_in_a_sentence_and_the_next_call_is_whole(
    twilio: TwilioCloud,
) -> None:
    async with twilio.phones(VOICE_URL) as call:
        await greeted(call)
        call.stream.cut()
        await until(call.over.is_set, "the end")
        assert len(call.script.announced) == 1
    async with twilio.phones(VOICE_URL) as again:
        await greeted(again)
        await alarm_is_answered(again)
        assert again.alerts == []


async def test_sound_that_twilio_lost_does_not_move_what_follows(twilio: TwilioCloud) -> None:
    async with twilio.phones(VOICE_URL) as call:
        await greeted(call)
        call.stream.lose(2.0)
        await asyncio.sleep(2.2)
        assert call.stream.lost_blocks >= 95
        assert await alarm_is_answered(call) < 4.0


async def test_an_answer_is_heard_on_its_own_call_alone(twilio: TwilioCloud) -> None:
    async with twilio.phones(VOICE_URL) as one, twilio.phones(VOICE_URL) as other:
        await asyncio.gather(greeted(one), greeted(other))
        before = loud_s(other.recording.heard)
        await alarm_is_answered(one)
        assert loud_s(other.recording.heard) == before


async def test_a_caller_asks_it_to_stop_listening_and_lets_it_go_on_with_a_key(
    twilio: TwilioCloud,
) -> None:
    async with twilio.phones(VOICE_URL) as call:
        await greeted(call)
        began_s = call.now_s
        for _ in range(TRIES):
            await call.handset.say(spoken("please stop listening"))
            await asyncio.sleep(2.0)
            if call.heard_after(began_s):
                break
        await quiet(call)
        silent_s = call.now_s
        await call.handset.say(kitchen(ALARM_S))
        await asyncio.sleep(2.0)
        assert call.heard_after(silent_s) is None
        call.press("*")
        await alarm_is_answered(call)


def _ended(server: PhoneServer, sid: str) -> list[dict[str, str]]:
    return [one for one in server.logged("A media stream has ended") if one["call"] == sid]
