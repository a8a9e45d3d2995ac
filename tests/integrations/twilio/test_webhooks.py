"""What Twilio is answered, and who gets no answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from interject.integrations.twilio.settings import BUSY
from interject.integrations.twilio.simulator.call import SimulatedCall
from interject.integrations.twilio.simulator.call_status import CallParties
from interject.integrations.twilio.simulator.signing import HEADER, signature
from interject.integrations.twilio.simulator.twiml import parse
from interject.model_runtime.protocol import RuntimeFailure
from tests.fakes.runtime import FakeRuntime
from tests.integrations.log_lines import log_lines
from tests.integrations.twilio.stage import COPILOT_URL, PUBLIC_URL, VOICE_URL, telephone
from tests.waiting import until

if TYPE_CHECKING:
    from interject.integrations.twilio.simulator.twiml import TwimlVerb
    from tests.integrations.twilio.stage import Stage

CALLER = "+15550100001"
EVERY_PATH = (
    "/twilio/voice", "/twilio/copilot", "/twilio/dialled", "/twilio/stream-status",
    "/twilio/call-status",
)  # fmt: skip


class NoRuntime(FakeRuntime):
    """One whose worker cannot be reached."""

    async def free_slots(self) -> int:
        raise RuntimeFailure("redis cannot be reached")


class SlowToTell(FakeRuntime):
    """Two ask it before one is answered."""

    async def free_slots(self) -> int:
        await asyncio.sleep(0.2)
        return 1


def new_call(stage: Stage) -> SimulatedCall:
    return SimulatedCall(stage.cloud.network, CallParties(caller=CALLER))


async def told(call: SimulatedCall, url: str, **more: str) -> list[TwimlVerb]:
    return parse(await call.fetch(url, **more))


def names(verbs: list[TwimlVerb]) -> list[str]:
    return [verb.name for verb in verbs]


async def test_a_call_gets_a_stream_with_a_token_and_a_seat() -> None:
    async with telephone() as stage:
        [connect, *after] = await told(new_call(stage), VOICE_URL)
        assert connect.nouns[0].attributes["url"] == "wss://voice.example.test/twilio/media"
        assert names(after) == ["Say", "Hangup"]
        assert stage.board.taken == 1


@pytest.mark.parametrize("path", EVERY_PATH)
@pytest.mark.parametrize(
    "signed",
    [
        None,
        "forged",
        "another url",
        "http",
        "another token",
    ],
)
async def test_what_twilio_has_not_signed_gets_nothing(path: str, signed: str | None) -> None:
    async with telephone() as stage:
        form = new_call(stage).form()
        token = stage.cloud.auth_token
        headers = {
            None: {HEADER: ""},
            "forged": {HEADER: "forged"},
            "another url": {HEADER: signature(token, f"https://evil.example.test{path}", form)},
            "http": {HEADER: signature(token, f"http://voice.example.test{path}", form)},
            "another token": {HEADER: signature("other", f"{PUBLIC_URL}{path}", form)},
        }[signed]
        headers |= {"Host": "evil.example.test", "X-Forwarded-Host": "evil.example.test"}
        answer = await stage.cloud.network.post(f"{PUBLIC_URL}{path}", form, headers)
        assert answer.status_code == 403
        assert "token" not in answer.text
        assert stage.board.taken == 0


async def test_a_form_that_was_changed_on_its_way_gets_nothing() -> None:
    async with telephone() as stage:
        form = new_call(stage).form()
        good = {HEADER: signature(stage.cloud.auth_token, VOICE_URL, form)}
        changed = form | {"From": "+15550100009"}
        assert (await stage.cloud.network.post(VOICE_URL, changed, good)).status_code == 403


async def test_another_account_s_call_gets_nothing() -> None:
    """As where two accounts share a token by mistake."""
    async with telephone() as stage:
        form = new_call(stage).form(AccountSid="AC" + "0" * 32)
        assert (await stage.cloud.network.post(VOICE_URL, form)).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/twilio/voice", 405, "choose HTTP POST"),
        ("POST", "/twilio/voice/", 404, "no slash"),
        ("GET", "/twilio/media", 426, "have the proxy in front pass Upgrade"),
    ],
)
async def test_a_request_of_twilio_that_comes_to_nothing_says_what_is_set_up_wrongly(
    method: str, path: str, status: int, told: str
) -> None:
    with log_lines() as lines:
        async with telephone() as stage, httpx.AsyncClient(trust_env=False) as stranger:
            url = f"http://{stage.cloud.network.local(VOICE_URL)}{path}"
            unsigned = await stranger.request(method, url)
            signed = await stranger.request(method, url, headers={HEADER: "any"})
            listed = (await stranger.get(f"http://{stage.cloud.network.local(VOICE_URL)}/")).text
    assert unsigned.status_code == signed.status_code == status
    assert told in signed.json()["detail"]
    assert "<code>POST /twilio/voice</code>" in listed
    assert listed.count("/twilio/voice") == listed.count("/twilio/media") == 1
    [line] = [line for line in lines if "came to nothing" in line]
    assert f"address={path}" in line
    assert told in line


async def test_one_mistake_in_the_set_up_does_not_hide_another_in_the_log() -> None:
    with log_lines() as lines:
        async with telephone() as stage, httpx.AsyncClient(trust_env=False) as twilio:
            for path in ("/twilio/voice", "/twilio/voice", "/twilio/copilot/", "/twilio/media"):
                url = f"http://{stage.cloud.network.local(VOICE_URL)}{path}"
                await twilio.get(url, headers={HEADER: "any"})
    assert len([line for line in lines if "came to nothing" in line]) == 3


async def test_a_form_of_no_call_is_refused() -> None:
    async with telephone() as stage:
        for call_sid in ("", "../x", "C" * 65):
            form = new_call(stage).form(CallSid=call_sid)
            assert (await stage.cloud.network.post(VOICE_URL, form)).status_code == 400
        assert (await stage.cloud.network.post(VOICE_URL, {"x": "y" * 70_000})).status_code == 413


@pytest.mark.parametrize("reason", ["full", "draining", "no runtime", "no slots"])
@pytest.mark.parametrize("human", [None, "+442071838750"])
async def test_a_caller_whom_nobody_can_take_hears_a_sentence(
    reason: str, human: str | None
) -> None:
    runtime = NoRuntime() if reason == "no runtime" else FakeRuntime(slots=reason != "no slots")
    async with telephone(
        runtime, most_calls=0 if reason == "full" else None, human_number=human
    ) as stage:
        stage.board.draining = reason == "draining"
        if reason == "no slots":
            runtime.__dict__["free_slots"] = runtime_is_full
        say, last = await told(new_call(stage), VOICE_URL)
        assert (say.name, say.text) == ("Say", BUSY)
        assert last.name == ("Dial" if human else "Hangup")
        assert stage.metric("refused_total", reason="full") == 1


async def runtime_is_full() -> int:
    return 0


@pytest.mark.parametrize(("url", "verb"), [(VOICE_URL, "Connect"), (COPILOT_URL, "Start")])
async def test_a_webhook_that_is_repeated_holds_one_seat(url: str, verb: str) -> None:
    """The last one there is; a stranger gets none."""
    async with telephone(most_calls=1, copilot_then="+442071838750") as stage:
        call = new_call(stage)
        for _ in range(5):
            assert names(await told(call, url))[0] == verb
        both = await asyncio.gather(told(call, url), told(call, url))
        assert [names(verbs)[0] for verbs in both] == [verb, verb]
        assert stage.board.taken == 1
        assert names(await told(new_call(stage), url))[0] != verb


async def test_a_first_and_a_second_try_that_come_at_once_both_get_the_last_seat() -> None:
    async with telephone(SlowToTell(), most_calls=1) as stage:
        call = new_call(stage)
        both = await asyncio.gather(told(call, VOICE_URL), told(call, VOICE_URL))
        assert [names(verbs)[0] for verbs in both] == ["Connect", "Connect"]
        assert stage.board.taken == 1


async def test_a_copilot_is_put_into_a_call_on_its_way() -> None:
    async with telephone(copilot_then="+442071838750") as stage:
        start, dial = await told(new_call(stage), COPILOT_URL)
        assert start.nouns[0].attributes["track"] == "both_tracks"
        assert dial.nouns[0].text == "+442071838750"
        assert stage.board.taken == 1


async def test_a_call_without_a_free_copilot_goes_on() -> None:
    async with telephone(most_calls=0, copilot_then="https://flow.example.com/x") as stage:
        [redirect] = await told(new_call(stage), COPILOT_URL)
        assert (redirect.name, redirect.text) == ("Redirect", "https://flow.example.com/x")


async def test_who_speaks_on_which_track_may_stand_in_the_address() -> None:
    async with telephone(copilot_then="+442071838750") as stage:
        call = new_call(stage)
        assert names(await told(call, f"{COPILOT_URL}?inbound=agent")) == ["Start", "Dial"]


async def test_a_mistake_in_the_address_costs_the_copilot_and_not_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with telephone(copilot_then="+442071838750") as stage:
        assert names(await told(new_call(stage), f"{COPILOT_URL}?inbound=boss")) == ["Dial"]
        assert stage.board.taken == 0
    assert "inbound is either customer or agent" in caplog.text


async def test_a_call_that_could_not_go_on_is_left_to_the_number_s_own_fallback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Any TwiML would end it; an error makes Twilio ask the fallback URL instead."""
    async with telephone() as stage:
        answer = await stage.cloud.network.post(COPILOT_URL, new_call(stage).form())
        assert answer.status_code == 503
        assert "INTERJECT_TWILIO_COPILOT_THEN" in answer.json()["detail"]
        assert stage.board.taken == 0
        assert stage.metric("refused_total", reason="no_copilot_then") == 1
    [record] = [one for one in caplog.records if "cannot go on" in one.message]
    assert vars(record)["setting"] == "INTERJECT_TWILIO_COPILOT_THEN"


@pytest.mark.parametrize("leg", [{"Direction": "outbound-dial"}, {"ParentCallSid": "CA9"}])
@pytest.mark.parametrize("copilot_then", [None, "+442071838750"])
async def test_a_leg_that_is_being_dialled_needs_nothing_behind_the_stream(
    leg: dict[str, str], copilot_then: str | None
) -> None:
    """As the URL of a `<Number>`: behind the last verb Twilio connects the two."""
    async with telephone(copilot_then=copilot_then) as stage:
        call = new_call(stage)
        assert names(await told(call, COPILOT_URL, **leg)) == ["Start"]
        assert stage.board.taken == 1
    async with telephone(most_calls=0) as stage:
        assert names(await told(new_call(stage), COPILOT_URL, **leg)) == []


@pytest.mark.parametrize(
    ("changes", "warns"),
    [
        ({"copilot_inbound": "agent"}, True),
        ({"copilot_inbound": "agent", "copilot_then": "+442071838750"}, False),
        ({"copilot_inbound": "agent", "human_number": "+442071838750"}, False),
        ({}, False),
    ],
)
async def test_a_copilot_that_cannot_be_put_into_calls_on_their_way_is_told_at_start(
    caplog: pytest.LogCaptureFixture, changes: dict[str, Any], warns: bool
) -> None:
    async with telephone(**changes):
        pass
    told_of = [one for one in caplog.records if "A copilot can be let into" in one.message]
    assert [vars(one)["setting"] for one in told_of] == ["INTERJECT_TWILIO_COPILOT_THEN"] * warns


@pytest.mark.parametrize("most_calls", [1, 9])
@pytest.mark.parametrize("url", [VOICE_URL, COPILOT_URL])
async def test_a_request_that_somebody_recorded_and_sends_again_costs_nothing(
    url: str, most_calls: int
) -> None:
    """It is signed. The token that Twilio got before goes on working, and the running call too."""
    async with (
        telephone(copilot_then="+442071838750", most_calls=most_calls) as stage,
        stage.cloud.phones(url) as call,
    ):
        recorded = call.form()
        await until(lambda: stage.cloud.network.posted, "the webhook")
        for _ in range(3):
            await stage.cloud.network.post(url, recorded)
        await until(lambda: stage.board.of("twilio", call.sid), "the agent")
        for _ in range(3):
            answer = await stage.cloud.network.post(url, recorded)
            assert answer.status_code == 200
        assert stage.board.of("twilio", call.sid) is not None
        assert stage.board.taken == 1, "there is no second agent"
        assert call.alerts == []
        assert not call.over.is_set()


@pytest.mark.parametrize(
    ("status", "verbs"),
    [("completed", ["Hangup"]), ("busy", ["Say", "Hangup"]), ("no-answer", ["Say", "Hangup"])],
)
async def test_a_call_that_was_put_through_ends_well(status: str, verbs: list[str]) -> None:
    async with telephone() as stage:
        call = new_call(stage)
        url = f"{PUBLIC_URL}/twilio/dialled"
        assert names(await told(call, url, DialCallStatus=status)) == verbs


@pytest.mark.parametrize(
    ("by", "machine", "verbs"),
    [
        ("machine_start", "hang_up", ["Hangup"]),
        ("machine_end_beep", "leave_message", ["Say", "Hangup"]),
        ("fax", "leave_message", ["Hangup"]),
        ("human", "hang_up", ["Connect", "Say", "Hangup"]),
        ("unknown", "hang_up", ["Connect", "Say", "Hangup"]),
    ],
)
async def test_who_answers_decides(by: str, machine: str, verbs: list[str]) -> None:
    message = "Please call back." if machine == "leave_message" else None
    async with telephone(machine=machine, machine_message=message) as stage:
        told_verbs = await told(new_call(stage), VOICE_URL, AnsweredBy=by)
        assert names(told_verbs) == verbs
        assert stage.board.taken == (1 if "Connect" in verbs else 0)


async def test_callbacks_are_taken_note_of() -> None:
    async with telephone() as stage:
        network, form = stage.cloud.network, new_call(stage).form()
        for path in ("/twilio/stream-status", "/twilio/call-status"):
            for more in ({}, {"StreamEvent": "stream-error", "StreamError": "31921"}):
                answer = await network.post(f"{PUBLIC_URL}{path}", form | more)
                assert (answer.status_code, answer.content) == (204, b"")


async def test_the_operator_s_paths_are_not_twilio_s() -> None:
    async with telephone() as stage, httpx.AsyncClient() as stranger:
        address = stage.operator.base_url
        assert (await stranger.get(f"{address}/twilio/voice")).status_code == 405
