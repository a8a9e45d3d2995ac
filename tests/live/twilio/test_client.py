"""The test client does what Twilio does, tried on a small bot of the tests' own."""

from __future__ import annotations

import asyncio
import base64
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from interject.integrations.twilio.simulator.call_status import CallStatus
from interject.integrations.twilio.simulator.cloud import AnswerPlan, TwilioCloud
from interject.integrations.twilio.simulator.debugger import ErrorCode
from interject.integrations.twilio.simulator.mulaw import RATE_HZ, SILENCE, decode, encode
from interject.integrations.twilio.simulator.playout import TelephonePlayout
from interject.integrations.twilio.simulator.rest_api import RestApi
from tests.live.twilio.echo_bot import HOST, ORIGIN, Conversation, EchoBot
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from twilio.http.response import Response as TwilioResponse

    from interject.integrations.twilio.simulator.call import SimulatedCall

pytestmark = pytest.mark.live

STREAM = f"""<Response><Connect><Stream url="wss://{HOST}/media" statusCallback="{ORIGIN}/status">
<Parameter name="token" value="a b&amp;c"/></Stream></Connect><Say>Sorry.</Say></Response>"""
VOICE = f"{ORIGIN}/voice"
SPEECH = encode((8_000 * np.sin(np.arange(RATE_HZ) / 3)).astype(np.int16))


def payload(sound: bytes) -> dict[str, str]:
    return {"payload": base64.b64encode(sound).decode()}


async def listen(conversation: Conversation) -> None:
    while await conversation.read() is not None:
        pass


def cloud_before(bot: EchoBot) -> TwilioCloud:
    return TwilioCloud({ORIGIN: bot.address})


async def streaming(call: SimulatedCall) -> None:
    await until(lambda: call.streams and call.stream.began.is_set(), "the stream")


def codes(call: SimulatedCall) -> list[ErrorCode]:
    return [alert.code for alert in call.alerts]


def test_mu_law_is_that_of_the_standard() -> None:
    assert encode(np.array([0, -1, 32_767, -32_768], np.int16)) == b"\xff\x7f\x80\x00"
    assert decode(b"\xff\x7f\x80\x00").tolist() == [0, 0, 32_124, -32_124]
    every = bytes(range(256))
    assert encode(decode(every)).replace(b"\x7f", b"\xff") == every.replace(b"\x7f", b"\xff")


def test_marks_come_back_when_what_was_before_them_was_played_or_dropped() -> None:
    playout = TelephonePlayout()
    assert playout.mark("empty") == ["empty"]
    playout.write(SPEECH[:200])
    assert playout.mark("a") == []
    assert playout.take() == (SPEECH[:160], [])
    assert playout.take() == (SPEECH[160:200] + SILENCE * 120, ["a"])
    playout.write(SPEECH)
    assert playout.mark("b") == []
    assert playout.clear() == ["b"]
    assert playout.take() == (SILENCE * 160, [])
    assert playout.most_held_s == 1.0


async def test_a_call_is_signed_and_speaks_in_twilio_s_order() -> None:
    async def talk(conversation: Conversation) -> None:
        for _ in range(8):
            await conversation.read()

    async with EchoBot(STREAM, talk) as bot, cloud_before(bot) as cloud:
        async with cloud.phones(VOICE) as call:
            await asyncio.wait_for(call.over.wait(), 20)
        (path, form, headers), (_, _, upgrade) = bot.requests[0], bot.requests[1]
        validator = RequestValidator(cloud.auth_token)
        assert validator.validate(f"{ORIGIN}{path}", form, headers["X-Twilio-Signature"])
        assert validator.validate(f"wss://{HOST}/media", {}, upgrade["X-Twilio-Signature"])
        assert form["CallSid"] == call.sid
        assert form["FromCity"] == ""
        first, second, *media = bot.conversations[0].messages
        assert first == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        assert second["sequenceNumber"] == "1"
        assert second["start"]["customParameters"] == {"token": "a b&c"}
        assert [one["media"]["chunk"] for one in media] == [str(n) for n in range(1, 7)]
        steps = np.diff([int(one["media"]["timestamp"]) for one in media])
        assert set(steps.tolist()) == {20}
        assert call.script.announced == ["Sorry."], "the TwiML after the stream"
        assert codes(call) == [ErrorCode.STREAM_CLOSED]
        await until(lambda: len(bot.requests) == 4, "the status callbacks")
        assert [form["StreamEvent"] for _, form, _ in bot.requests[2:]] == [
            "stream-started", "stream-stopped",
        ]  # fmt: skip


async def test_sound_is_played_in_real_time_and_recorded(tmp_path: Path) -> None:
    async def talk(conversation: Conversation) -> None:
        await conversation.until("start")
        await conversation.send("media", media=payload(SPEECH[:4_000]))
        await conversation.send("mark", mark={"name": "said"})
        await conversation.until("mark")

    document = STREAM.replace("<Say>Sorry.</Say>", "")
    async with EchoBot(document, talk) as bot, cloud_before(bot) as cloud:
        async with cloud.phones(VOICE) as call:
            await streaming(call)
            asked = asyncio.create_task(call.handset.say(decode(SPEECH), RATE_HZ))
            await asyncio.wait_for(call.stream.ended.wait(), 20)
            await asked
        messages = bot.conversations[0].messages
        between = messages[2:-1]
        assert messages[-1]["mark"] == {"name": "said"}
        assert len(between) >= 24, "the mark came before half a second was played"
        call.recording.write(tmp_path / "call.wav")
    with wave.open(str(tmp_path / "call.wav")) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    said, heard = (np.abs(both[:, side].astype(int)) > 3_000 for side in (0, 1))
    assert said.sum() > 2_500
    assert heard.sum() == pytest.approx((np.abs(decode(SPEECH[:4_000])) > 3_000).sum(), abs=200)


async def test_who_hangs_up_before_the_webhook_has_answered_is_gone() -> None:
    async with EchoBot(STREAM, listen, after_s=0.3) as bot, cloud_before(bot) as cloud:
        async with cloud.phones(VOICE) as call:
            await asyncio.sleep(0.1)
        assert call.status is CallStatus.COMPLETED
    assert len(bot.requests) == 1
    assert bot.conversations == []


async def test_clear_drops_the_sound_and_returns_the_marks() -> None:
    async def talk(conversation: Conversation) -> None:
        await conversation.until("start")
        await conversation.send("media", media=payload(SPEECH * 5))
        await conversation.send("mark", mark={"name": "never"})
        await conversation.send("clear")
        await conversation.until("mark")

    async with (
        EchoBot(STREAM, talk) as bot,
        cloud_before(bot) as cloud,
        cloud.phones(VOICE) as call,
    ):
        await streaming(call)
        await asyncio.wait_for(call.stream.ended.wait(), 4)
        assert call.stream.playout.held_s == 0
        assert call.stream.playout.most_held_s == 5


async def test_what_twilio_does_not_accept_is_an_alert() -> None:
    async def talk(conversation: Conversation) -> None:
        await conversation.until("start")
        await conversation.send_bytes(SPEECH)
        await conversation.send("sing")
        await conversation.send("media", media={"payload": "no base64!"})
        await conversation.send("media", media=payload(b"RIFF" + SPEECH))
        await conversation.send("mark", mark={})
        await listen(conversation)

    async with (
        EchoBot(STREAM, talk) as bot,
        cloud_before(bot) as cloud,
        cloud.phones(VOICE) as call,
    ):
        await until(lambda: len(call.alerts) == 5, "the alerts")
        assert codes(call) == [ErrorCode.BINARY_MESSAGE, *[ErrorCode.INVALID_MESSAGE] * 4]
        assert not call.stream.ended.is_set()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (STREAM.replace("/media", "/media?a=b"), ErrorCode.STREAM_HANDSHAKE),
        (STREAM.replace("wss:", "ws:"), ErrorCode.STREAM_HANDSHAKE),
        (STREAM.replace("/media", "/elsewhere"), ErrorCode.STREAM_HANDSHAKE),
        (STREAM.replace("<Stream", '<Stream track="both_tracks"'), ErrorCode.STREAM_TRACK),
        (STREAM.replace("a b&amp;c", "x" * 500), ErrorCode.SCHEMA),
        ("<Response><Connect>", ErrorCode.DOCUMENT_PARSE),
        ("<Response><Sing/></Response>", ErrorCode.SCHEMA),
    ],
)
async def test_twiml_that_twilio_refuses_ends_the_call(document: str, code: ErrorCode) -> None:
    async with (
        EchoBot(document, listen) as bot,
        cloud_before(bot) as cloud,
        cloud.phones(VOICE) as call,
    ):
        await asyncio.wait_for(call.over.wait(), 20)
        assert codes(call) == [code]


async def test_a_slow_reader_loses_sound_and_the_timestamps_say_how_much() -> None:
    async def talk(conversation: Conversation) -> None:
        await listen(conversation)

    async with (
        EchoBot(STREAM, talk) as bot,
        cloud_before(bot) as cloud,
        cloud.phones(VOICE) as call,
    ):
        await until(lambda: bot.conversations and bot.conversations[0].messages[3:], "sound")
        call.stream.lose(0.4)
        await until(lambda: call.stream.lost_blocks == 20, "the loss")
        await until(lambda: len(bot.conversations[0].messages) > 25, "what follows")
        media = [m["media"] for m in bot.conversations[0].messages if m["event"] == "media"]
        steps = np.diff([int(one["timestamp"]) for one in media])
        assert 420 in steps.tolist()
        assert [int(one["chunk"]) for one in media] == list(range(1, len(media) + 1))
        assert codes(call) == [ErrorCode.SLOW_READER]


async def test_digits_and_the_end_of_a_call_are_told() -> None:
    async with EchoBot(STREAM, listen) as bot, cloud_before(bot) as cloud:
        async with cloud.phones(VOICE) as call:
            await streaming(call)
            call.press("5")
            await call.hang_up()
        events = [m["event"] for m in bot.conversations[0].messages if m["event"] != "media"]
        assert events == ["connected", "start", "dtmf", "stop"]
        assert bot.conversations[0].messages[-1]["stop"]["callSid"] == call.sid
        assert call.alerts == []


async def test_both_legs_of_a_call_are_heard_on_a_one_way_stream() -> None:
    document = f"""<Response><Start><Stream url="wss://{HOST}/media" track="both_tracks"/></Start>
    <Dial>+15550100009</Dial></Response>"""
    async with EchoBot(document, listen) as bot, cloud_before(bot) as cloud:
        async with cloud.phones(VOICE) as call:
            await streaming(call)
            await until(lambda: call.callee_is_there, "the callee")
            await call.callee.say(decode(SPEECH), RATE_HZ)
            await asyncio.sleep(0.2)
        assert call.script.dialled == ["+15550100009"]
        media = [m["media"] for m in bot.conversations[0].messages if m["event"] == "media"]
        loud = {
            track: sum(
                np.abs(decode(base64.b64decode(one["payload"]))).max() > 3_000
                for one in media
                if one["track"] == track
            )
            for track in ("inbound", "outbound")
        }
        assert loud["inbound"] == 0
        assert loud["outbound"] >= 45


class LocalHttpClient(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's own client, sent to the local server."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def request(self, method: str, url: str, *args: object, **kwargs: object) -> TwilioResponse:
        local = url.replace("https://api.twilio.com", self._url)
        return super().request(method, local, *args, **kwargs)


async def test_twilio_s_own_client_places_redirects_and_ends_calls() -> None:
    async with (
        EchoBot(STREAM, listen) as bot,
        cloud_before(bot) as cloud,
        RestApi(cloud) as rest,
    ):
        client = Client(cloud.account_sid, cloud.auth_token, http_client=LocalHttpClient(rest.url))
        cloud.answer = AnswerPlan(by="machine_start")
        placed = await asyncio.to_thread(
            client.calls.create, to="+1555", from_="+1556", url=VOICE, machine_detection="Enable"
        )
        call = cloud.calls[str(placed.sid)]
        await streaming(call)
        assert bot.requests[0][1]["AnsweredBy"] == "machine_start"
        assert bot.requests[0][1]["Direction"] == "outbound-api"
        live = client.calls(call.sid)
        await asyncio.to_thread(live.update, twiml="<Response><Dial>+1557</Dial></Response>")
        await until(lambda: call.script.dialled, "the transfer")
        assert bot.conversations[0].messages[-1]["event"] == "stop"
        await asyncio.to_thread(live.update, status="completed")
        assert call.status is CallStatus.COMPLETED
        with pytest.raises(TwilioRestException) as refused:
            await asyncio.to_thread(live.update, status="completed")
        assert refused.value.code == 21220
        cloud.network.auth_token = "another"
        with pytest.raises(TwilioRestException) as refused:
            await asyncio.to_thread(live.fetch)
        assert refused.value.code == 20003


async def test_nobody_answers() -> None:
    async with EchoBot(STREAM, listen) as bot, cloud_before(bot) as cloud, RestApi(cloud) as rest:
        client = Client(cloud.account_sid, cloud.auth_token, http_client=LocalHttpClient(rest.url))
        cloud.answer = AnswerPlan(instead=CallStatus.NO_ANSWER)
        placed = await asyncio.to_thread(
            client.calls.create, to="+1555", from_="+1556", url=VOICE,
            status_callback=f"{ORIGIN}/calls",
        )  # fmt: skip
        call = cloud.calls[str(placed.sid)]
        await until(call.over.is_set, "the end")
        await until(lambda: bot.requests, "its status")
        assert bot.requests[0][1]["CallStatus"] == "no-answer"
