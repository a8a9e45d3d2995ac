"""Twilio's REST API is asked in its own format, and every failure is one sentence."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any

import pytest

from interject.integrations.twilio.call_control import CallControl, CallControlFailure
from interject.integrations.twilio.settings import TwilioSettings
from interject.integrations.twilio.simulator.call_status import CallStatus
from interject.integrations.twilio.simulator.cloud import TwilioCloud
from interject.integrations.twilio.simulator.rest_api import RestApi
from tests.live.twilio.echo_bot import Conversation, EchoBot
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CALLEE, OWN = "+442071838750", "+442071838751"
HANG_UP = "<Response><Hangup/></Response>"


PUBLIC_URL = "https://voice.example.com"
WAITS = '<Response><Pause length="60"/></Response>'


async def no_stream(_conversation: Conversation) -> None:
    raise AssertionError("nobody was told to open a stream")


@pytest.fixture
async def cloud() -> AsyncIterator[TwilioCloud]:
    async with (
        EchoBot(WAITS, no_stream) as server,
        TwilioCloud({PUBLIC_URL: server.address}) as cloud,
    ):
        yield cloud


@pytest.fixture
async def api(cloud: TwilioCloud) -> AsyncIterator[RestApi]:
    async with RestApi(cloud) as api:
        yield api


def settings(cloud: TwilioCloud, api: RestApi, **more: Any) -> TwilioSettings:
    given: dict[str, Any] = {
        "account_sid": cloud.account_sid,
        "auth_token": cloud.auth_token,
        "public_url": PUBLIC_URL,
        "rest_url": api.url,
    }
    return TwilioSettings.made(**(given | more))


async def test_a_call_is_placed_and_ended(
    cloud: TwilioCloud, api: RestApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with CallControl(settings(cloud, api)) as control:
        sid = await control.place(CALLEE, OWN)
        await control.hang_up(sid)
    assert cloud.calls[sid].status is CallStatus.COMPLETED
    (_, form), (path, ending) = api.requests
    assert form == {
        "To": CALLEE,
        "From": OWN,
        "Url": "https://voice.example.com/twilio/voice",
        "Method": "POST",
        "MachineDetection": "Enable",
        "MachineDetectionTimeout": "20",
        "Timeout": "45",
        "StatusCallback": "https://voice.example.com/twilio/call-status",
        "StatusCallbackEvent": "completed",
        "StatusCallbackMethod": "POST",
    }
    assert path.endswith(f"/Calls/{sid}.json")
    assert ending == {"Status": "completed"}
    assert CALLEE not in caplog.text
    assert cloud.auth_token not in caplog.text


async def test_a_call_is_ended_though_twilio_is_busy_for_a_moment(
    cloud: TwilioCloud, api: RestApi
) -> None:
    async with CallControl(settings(cloud, api), pauses_s=(0.0, 0.0)) as control:
        sid = await control.place(CALLEE, OWN)
        api.busy = 2
        await control.hang_up(sid)
        assert cloud.calls[sid].status is CallStatus.COMPLETED
        api.busy = 3
        with pytest.raises(CallControlFailure, match="Too Many Requests"):
            await control.hang_up(sid)
        with pytest.raises(CallControlFailure, match="not in-progress") as caught:
            await control.hang_up(sid)
        assert caught.value.over
        assert len(api.requests) == 1 + 3 + 3 + 1
        api.busy = 1
        with pytest.raises(CallControlFailure, match="Too Many Requests"):
            await control.place(CALLEE, OWN)


async def test_a_message_waits_for_the_end_of_the_machine_s_own(
    cloud: TwilioCloud, api: RestApi
) -> None:
    leaves = settings(cloud, api, machine="leave_message", machine_message="Please call back.")
    async with CallControl(leaves) as control:
        await control.place(CALLEE, OWN)
    assert api.requests[0][1]["MachineDetection"] == "DetectMessageEnd"


async def test_a_call_is_moved(cloud: TwilioCloud, api: RestApi) -> None:
    async with CallControl(settings(cloud, api)) as control:
        sid = await control.place(CALLEE, OWN)
        call = cloud.calls[sid]
        await until(lambda: call.status is CallStatus.IN_PROGRESS)
        await until(lambda: cloud.network.posted, "the webhook")
        await control.redirect(sid, HANG_UP)
        await until(lambda: call.status.is_over)
        assert api.requests[1][1] == {"Twiml": HANG_UP}
        with pytest.raises(CallControlFailure, match="not in-progress"):
            await control.redirect(sid, HANG_UP)


async def test_a_copilot_s_stream_is_asked_for(cloud: TwilioCloud, api: RestApi) -> None:
    async with CallControl(settings(cloud, api)) as control:
        with pytest.raises(CallControlFailure) as caught:
            await control.listen("CA" + "0" * 32, "the-token")
    assert caught.value.code == 20404
    assert api.requests[0][1] == {
        "Url": "wss://voice.example.com/twilio/media",
        "Track": "both_tracks",
        "StatusCallback": "https://voice.example.com/twilio/stream-status",
        "StatusCallbackMethod": "POST",
        "Parameter1.Name": "token",
        "Parameter1.Value": "the-token",
    }


async def test_a_wrong_password_is_told(cloud: TwilioCloud, api: RestApi) -> None:
    async with CallControl(settings(cloud, api, auth_token="another")) as control:
        with pytest.raises(CallControlFailure, match="Authenticate") as caught:
            await control.hang_up("CA" + "0" * 32)
    assert caught.value.code == 20003


async def test_an_api_that_is_away_is_told(cloud: TwilioCloud, api: RestApi) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        away = settings(cloud, api, rest_url=url)
        async with CallControl(away, pauses_s=(0.0,)) as control:
            with pytest.raises(CallControlFailure, match="could not be reached"):
                await control.hang_up("CA" + "0" * 32)


async def test_without_an_account_it_says_what_to_set() -> None:
    bare = TwilioSettings.made(public_url="http://127.0.0.1:8080", insecure_dev=True)
    async with CallControl(bare) as control:
        assert not control.possible
        with pytest.raises(CallControlFailure, match="set TWILIO_ACCOUNT_SID") as caught:
            await control.hang_up("CA" + "0" * 32)
    assert caught.value.missing
