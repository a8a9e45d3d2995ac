"""Calls that are placed, moved and ended by the operator's programs."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from interject.integrations.twilio.operator_api import NO_BEARER
from interject.integrations.twilio.simulator.call_status import CallParties, CallStatus
from interject.integrations.twilio.simulator.cloud import AnswerPlan
from interject.integrations.web.bearer import Bearer
from tests.integrations.twilio.stage import VOICE_URL, telephone
from tests.waiting import until

CALLEE, OWN, HUMAN = "+442071838750", "+442071838751", "+442071838752"
SILENT = {"room": {"announce": "none"}}
SPEECH = (8_000 * np.sin(np.arange(16_000) / 3)).astype(np.int16)
ORDERS = [
    ("GET", "/twilio/calls"),
    ("POST", "/twilio/calls"),
    ("POST", "/twilio/calls/CA1/transfer"),
    ("POST", "/twilio/calls/CA1/hangup"),
    ("POST", "/twilio/calls/CA1/copilot"),
]


@pytest.mark.parametrize(("method", "path"), ORDERS)
async def test_a_stranger_may_do_nothing(method: str, path: str) -> None:
    async with telephone() as stage:
        for header in ("", "Bearer guess", "Basic dG9rZW4="):
            answer = await stage.operator.request(
                method, path, json={"to": CALLEE}, headers={"Authorization": header}
            )
            assert answer.status_code == 401
        assert stage.api.requests == []


@pytest.mark.parametrize(("method", "path"), ORDERS)
async def test_without_a_token_nobody_may_do_anything(method: str, path: str) -> None:
    async with telephone(bearer=Bearer()) as stage:
        answer = await stage.operator.request(method, path, json={"to": CALLEE})
        assert (answer.status_code, answer.json()) == (503, {"detail": NO_BEARER})


async def test_a_call_is_placed_and_the_agent_talks_with_who_answers() -> None:
    async with telephone(profile=SILENT, caller_id=OWN) as stage:
        answer = await stage.operator.post("/twilio/calls", json={"to": CALLEE})
        sid = answer.json()["sid"]
        assert stage.board.taken == 1, "its seat is held while it rings"
        call = stage.cloud.calls[sid]
        assert (call.parties.caller, call.parties.called) == (OWN, CALLEE)
        await until(lambda: stage.board.of("twilio", sid), "the agent")
        await call.handset.say(SPEECH)
        await until(lambda: any(frame.speakers for frame in stage.model.frames), "speech")
        [shown] = (await stage.operator.get("/twilio/calls")).json()
        assert shown.pop("seconds") >= 0
        assert shown == {
            "sid": sid, "kind": "bot", "direction": "outbound-api",
            "from_number": "***********51", "to_number": "***********50",
        }  # fmt: skip
        await call.hang_up()
        await until(lambda: not stage.board.taken, "the seat")


@pytest.mark.parametrize("message", [None, "Hello."])
async def test_a_machine_gets_a_message_or_nothing(message: str | None) -> None:
    machine = "leave_message" if message else "hang_up"
    async with telephone(caller_id=OWN, machine=machine, machine_message=message) as stage:
        stage.cloud.answer = AnswerPlan(by="machine_end_beep")
        sid = (await stage.operator.post("/twilio/calls", json={"to": CALLEE})).json()["sid"]
        call = stage.cloud.calls[sid]
        await asyncio.wait_for(call.over.wait(), 20)
        assert call.script.announced == ([message] if message else [])
        assert stage.runtime.sessions == []
        assert stage.board.taken == 0


async def test_a_call_that_nobody_takes_gives_its_seat_back() -> None:
    async with telephone(caller_id=OWN) as stage:
        stage.cloud.answer = AnswerPlan(instead=CallStatus.NO_ANSWER)
        await stage.operator.post("/twilio/calls", json={"to": CALLEE})
        await until(lambda: not stage.board.taken, "the seat")


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({"to": "0207 1838750"}, "to: it must be a number like +442071838750, or a SIP address"),
        ({"to": "+442071838750\n"}, "to: it must be a number like"),
        ({"to": CALLEE, "caller": "us"}, "caller: it must be a number like +442071838750"),
        ({"to": CALLEE, "more": 1}, "the request: it has a key that is not known"),
        ({}, "to: "),
        (
            {"to": CALLEE},
            "caller: say which number calls, or set INTERJECT_TWILIO_CALLER_ID on the server",
        ),
    ],
)
async def test_a_bad_order_is_one_sentence(order: dict[str, object], says: str) -> None:
    async with telephone() as stage:
        answer = await stage.operator.post("/twilio/calls", json=order)
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith(says)
        assert (stage.api.requests, stage.board.taken) == ([], 0)


@pytest.mark.parametrize("say", ["One\0moment.", "\x1b[0m", "\ufffe", ""])
async def test_what_is_said_before_a_transfer_fits_into_twiml(say: str) -> None:
    async with telephone() as stage:
        order = {"to": HUMAN, "say": say}
        answer = await stage.operator.post(f"/twilio/calls/CA{0:032x}/transfer", json=order)
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith("say: ")
        assert stage.api.requests == []


async def test_no_call_is_placed_that_nobody_could_talk_to() -> None:
    async with telephone(caller_id=OWN, most_calls=0) as stage:
        answer = await stage.operator.post("/twilio/calls", json={"to": CALLEE})
        assert answer.status_code == 503
        assert "no free agent" in answer.json()["detail"]
        assert stage.api.requests == []


async def test_what_twilio_refuses_is_told() -> None:
    async with telephone(caller_id=OWN) as stage:
        gone = await stage.operator.post("/twilio/calls/CA1/hangup")
        assert gone.status_code == 404
        over = stage.cloud.new_call(CallParties())
        over.status = CallStatus.COMPLETED
        late = await stage.operator.post(f"/twilio/calls/{over.sid}/hangup")
        assert late.status_code == 404
        stage.cloud.network.auth_token = "changed"
        answer = await stage.operator.post("/twilio/calls", json={"to": CALLEE})
        assert answer.status_code == 502
        assert answer.json()["detail"].endswith("Authenticate")
        assert stage.board.taken == 0


async def test_without_an_account_it_says_what_to_set() -> None:
    async with telephone(insecure_dev=True, account_sid="", auth_token="") as stage:
        answer = await stage.operator.post("/twilio/calls/CA1/hangup")
        assert answer.status_code == 503
        assert "set TWILIO_ACCOUNT_SID" in answer.json()["detail"]


async def test_a_call_is_put_through_and_its_agent_does_not_end_it() -> None:
    async with telephone(profile=SILENT) as stage, stage.cloud.phones(VOICE_URL) as call:
        await until(lambda: stage.board.of("twilio", call.sid), "the agent")
        answer = await stage.operator.post(
            f"/twilio/calls/{call.sid}/transfer", json={"to": HUMAN, "say": "One moment."}
        )
        assert answer.json() == {"sid": call.sid}
        await until(lambda: not stage.board.taken, "the agent to leave")
        await until(lambda: call.script.dialled == [HUMAN], "the human")
        assert call.script.announced == ["One moment."]
        assert call.status is CallStatus.IN_PROGRESS
        call.script.callee_hung_up.set()
        await asyncio.wait_for(call.over.wait(), 20)
        assert [form for _, form in stage.api.requests if "Status" in form] == []


async def test_a_call_is_ended() -> None:
    async with telephone(profile=SILENT) as stage, stage.cloud.phones(VOICE_URL) as call:
        await until(lambda: stage.board.of("twilio", call.sid), "the agent")
        assert (await stage.operator.post(f"/twilio/calls/{call.sid}/hangup")).status_code == 200
        await asyncio.wait_for(call.over.wait(), 20)
        assert call.script.announced == []
        await until(lambda: not stage.board.taken, "the agent to leave")


async def test_a_call_that_can_be_none_is_refused_in_a_sentence() -> None:
    async with telephone() as stage:
        answer = await stage.operator.post("/twilio/calls/CA-1/hangup")
        assert (answer.status_code, answer.json()["detail"]) == (
            422,
            "call_sid: it must be a call's SID, which begins with CA",
        )
