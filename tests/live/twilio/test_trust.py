"""Who gets in, by the real server: nobody whom Twilio has not sent, and each token once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from interject.integrations.twilio.simulator.call import SimulatedCall
from interject.integrations.twilio.simulator.call_status import CallParties
from interject.integrations.twilio.simulator.cloud import TwilioAccount, TwilioCloud
from interject.integrations.twilio.simulator.debugger import ErrorCode
from interject.integrations.twilio.simulator.signing import HEADER, signature
from interject.integrations.twilio.simulator.twiml import StreamOrder, parse
from tests.live.twilio.calling import connected
from tests.live.twilio.phone_server import HOST, VOICE_URL
from tests.waiting import until

if TYPE_CHECKING:
    from tests.live.twilio.phone_server import PhoneServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

MEDIA_URL = f"wss://{HOST}/twilio/media"


async def ordered(call: SimulatedCall) -> StreamOrder:
    """What the webhook says for this call."""
    connect = parse(await call.fetch(VOICE_URL))[0]
    return StreamOrder.of(connect.nouns[0], two_way=True)


def a_call(cloud: TwilioCloud) -> SimulatedCall:
    return SimulatedCall(cloud.network, CallParties())


def twiml(order: StreamOrder) -> str:
    token = order.parameters["token"]
    parameter = f'<Parameter name="token" value="{token}"/>'
    return f'<Response><Connect><Stream url="{order.url}">{parameter}</Stream></Connect></Response>'


async def refused(call: SimulatedCall, order: StreamOrder) -> None:
    """The socket opens and is closed with a reason, and no sound ever comes."""
    await call.run(twiml(order))
    assert call.stream.close_code == 1008
    assert [alert.code for alert in call.alerts] == [ErrorCode.STREAM_CLOSED]
    assert call.stream.received.total() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {HEADER: "forged"},
        {HEADER: ""},
        {HEADER: signature("another token", VOICE_URL)},
        {HEADER: signature("", VOICE_URL), "X-Forwarded-Host": "evil.test", "Host": "evil.test"},
    ],
    ids=["forged", "empty", "another-token", "another-host"],
)
async def test_a_webhook_that_twilio_did_not_sign_is_refused(
    twilio: TwilioCloud, headers: dict[str, str]
) -> None:
    answer = await twilio.network.post(VOICE_URL, a_call(twilio).form(), headers)
    assert answer.status_code == 403
    assert "token" not in answer.text.lower().replace("auth token", "")


async def test_a_form_that_was_changed_on_its_way_is_refused(twilio: TwilioCloud) -> None:
    form = a_call(twilio).form()
    signed = {HEADER: signature(twilio.auth_token, VOICE_URL, form)}
    answer = await twilio.network.post(VOICE_URL, form | {"From": "+15550109999"}, signed)
    assert answer.status_code == 403


async def test_a_signature_over_what_a_request_says_of_its_host_is_refused(
    twilio: TwilioCloud,
) -> None:
    """The public URL is configured, and never taken from headers."""
    form = a_call(twilio).form()
    evil = "https://evil.test/twilio/voice"
    headers = {
        HEADER: signature(twilio.auth_token, evil, form), "Host": "evil.test",
        "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https",
    }  # fmt: skip
    answer = await twilio.network.post(VOICE_URL, form, headers)
    assert answer.status_code in (400, 403)


async def test_another_account_s_call_is_refused(twilio: TwilioCloud) -> None:
    stranger = TwilioCloud(twilio.network.routes, TwilioAccount(auth_token=twilio.auth_token))
    form = a_call(stranger).form()
    answer = await twilio.network.post(VOICE_URL, form)
    assert answer.status_code == 403


@pytest.mark.parametrize("forged", ["forged", ""])
async def test_a_socket_that_twilio_did_not_sign_never_opens(
    twilio: TwilioCloud, forged: str
) -> None:
    with pytest.raises(Exception, match="31920"):
        async with twilio.network.socket(MEDIA_URL, {HEADER: forged}):
            pass


async def test_a_token_opens_one_stream_once(twilio: TwilioCloud) -> None:
    call = a_call(twilio)
    order = await ordered(call)
    again = a_call(twilio)
    again.sid = call.sid
    async with asyncio.TaskGroup() as group:
        group.create_task(call.run(twiml(order)))
        await connected(call)
        await until(lambda: call.heard_after(0.0), "the agent")
        await refused(again, order)
        assert not call.stream.ended.is_set()
        await call.hang_up()
    assert call.alerts == []


async def test_a_token_is_worth_nothing_on_another_call(twilio: TwilioCloud) -> None:
    call, thief = a_call(twilio), a_call(twilio)
    order = await ordered(call)
    await refused(thief, order)
    async with asyncio.TaskGroup() as group:
        group.create_task(call.run(twiml(order)))
        await connected(call)
        await until(lambda: call.heard_after(0.0), "the agent: the theft was no use of the token")
        await call.hang_up()


async def test_a_stream_without_a_token_is_closed(twilio: TwilioCloud) -> None:
    order = StreamOrder(MEDIA_URL, ("inbound",), two_way=True, parameters={"token": "x" * 40})
    await refused(a_call(twilio), order)


async def test_either_of_two_auth_tokens_signs(
    twilio: TwilioCloud, phone_server: PhoneServer
) -> None:
    for token in (phone_server.subscription.secondary_auth_token, twilio.auth_token):
        twilio.network.auth_token = token
        async with twilio.phones(VOICE_URL) as call:
            await connected(call)
    twilio.network.auth_token = "a third"
    answer = await twilio.network.post(VOICE_URL, a_call(twilio).form())
    assert answer.status_code == 403
