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
from tests.live.twilio.calling import (
    alarm_is_answered,
    connected,
    greeted,
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


async def test_an_alarm_is_answered_and_heard_on_its_own_call_alone(
    twilio: TwilioCloud, phone_server: PhoneServer, tmp_path: Path
) -> None:
    async with twilio.phones(VOICE_URL) as call, twilio.phones(VOICE_URL) as other:
        await asyncio.gather(greeted(call), greeted(other))
        before = loud_s(other.recording.heard)
        for digit in "7#":
            call.press(digit)
        began_s = call.now_s
        late_s = await alarm_is_answered(call)
        assert late_s < 4.0
        await quiet(call)
        call.recording.write(tmp_path / "call.wav")
        assert call.stream.playout.most_held_s <= MOST_AHEAD_S
        assert call.stream.received["mark"] > call.stream.received["media"] / 10
        assert call.alerts == []
        assert loud_s(other.recording.heard) == before
    with wave.open(str(tmp_path / "call.wav")) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    said, heard = np.abs(both[round(began_s * RATE_HZ) :].astype(int)).max(axis=0)
    assert said > 2_000, "the alarm is on the left"
    assert heard > 2_000, "the answer is on the right"
    await until(lambda: _ended(phone_server, call.sid), "the end of the stream")
    assert _ended(phone_server, call.sid)[0]["reason"] == "hung_up"


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


async def test_a_socket_that_is_cut_ends_in_a_sentence(
    twilio: TwilioCloud,
) -> None:
    async with twilio.phones(VOICE_URL) as call:
        await connected(call)
        call.stream.cut()
        await until(call.over.is_set, "the end")
        assert len(call.script.announced) == 1


def _ended(server: PhoneServer, sid: str) -> list[dict[str, str]]:
    return [one for one in server.logged("A media stream has ended") if one["call"] == sid]
