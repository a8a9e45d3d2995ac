"""Who gets in by the media socket, and what bad messages do to a call: as little as possible."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from twilio.request_validator import SIGNATURE_SETTINGS_HEADER

from interject.integrations.twilio.simulator.call import SimulatedCall
from interject.integrations.twilio.simulator.call_status import CallParties
from interject.integrations.twilio.simulator.debugger import TwilioRefusal
from interject.integrations.twilio.simulator.signing import HEADER, signature
from interject.integrations.twilio.simulator.twiml import StreamOrder, parse
from interject.integrations.twilio.tickets import LIFE_S, Tickets
from interject.integrations.web.audio_socket import SocketLimits
from tests.fakes.clock import FakeClock
from tests.integrations.twilio.stage import VOICE_URL, telephone
from tests.integrations.web.closed_socket import closing
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.client import ClientConnection

    from tests.integrations.twilio.stage import Stage

MEDIA_URL = "wss://voice.example.test/twilio/media"
STREAM = "MZ0123456789abcdef0123456789abcdef"
MULAW = {"encoding": "audio/x-mulaw", "sampleRate": 8_000, "channels": 1}
SILENT = {"room": {"announce": "none"}}


async def announced(stage: Stage) -> tuple[str, dict[str, str]]:
    """A call's SID, and what its stream has to say."""
    call = SimulatedCall(stage.cloud.network, CallParties())
    document = await call.fetch(VOICE_URL)
    [connect] = [verb for verb in parse(document) if verb.name == "Connect"]
    return call.sid, StreamOrder.of(connect.nouns[0], two_way=True).parameters


def start(stage: Stage, call_sid: str, parameters: dict[str, str], **changes: Any) -> str:
    details = {
        "accountSid": stage.cloud.account_sid, "streamSid": STREAM, "callSid": call_sid,
        "tracks": ["inbound"], "mediaFormat": MULAW, "customParameters": parameters,
    }  # fmt: skip
    return json.dumps({"event": "start", "streamSid": STREAM, "start": details | changes})


def media(number: int, sound: bytes = b"\xff" * 160, **changes: Any) -> str:
    inner: dict[str, Any] = {
        "track": "inbound", "chunk": str(number), "timestamp": str(20 * number),
        "payload": base64.b64encode(sound).decode(),
    }  # fmt: skip
    return json.dumps({"event": "media", "streamSid": STREAM, "media": inner | changes})


@contextlib.asynccontextmanager
async def in_call(stage: Stage, **changes: Any) -> AsyncIterator[ClientConnection]:
    """A socket whose agent listens."""
    sid, parameters = await announced(stage)
    async with stage.cloud.network.socket(MEDIA_URL) as socket:
        await socket.send(start(stage, sid, parameters, **changes))
        await until(lambda: stage.board.of("twilio", sid) is not None, "the agent")
        yield socket


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "forged",
        signature("another-token", MEDIA_URL),
    ],
)
async def test_a_socket_without_a_signature_is_not_even_opened(signed: str) -> None:
    async with telephone() as stage:
        with pytest.raises(TwilioRefusal, match="403"):
            async with stage.cloud.network.socket(MEDIA_URL, {HEADER: signed}):
                pass
        assert stage.metric("refused_total", reason="signature") == 1


async def test_a_socket_signed_for_another_server_is_not_opened() -> None:
    async with telephone() as stage:
        other = signature(stage.cloud.auth_token, "wss://evil.example.test/twilio/media")
        with pytest.raises(TwilioRefusal, match="403"):
            async with stage.cloud.network.socket(
                MEDIA_URL, {HEADER: other, "X-Forwarded-Host": "evil.example.test"}
            ):
                pass


@pytest.mark.parametrize("fault", ["no token", "wrong token", "another call", "another account"])
async def test_a_stream_without_its_call_s_token_is_closed(fault: str) -> None:
    async with telephone() as stage:
        sid, parameters = await announced(stage)
        other, _ = await announced(stage)
        said = {
            "no token": start(stage, sid, {}),
            "wrong token": start(stage, sid, {"token": "guess"}),
            "another call": start(stage, other, parameters),
            "another account": start(stage, sid, parameters, accountSid="AC" + "0" * 32),
        }[fault]
        async with stage.cloud.network.socket(MEDIA_URL) as socket:
            await socket.send(said)
            code, reason = await closing(socket)
        assert code == 1008
        assert reason == "the token is not one of this call, or was used"
        assert stage.runtime.sessions == []
        assert stage.board.taken == 2, "the call that the token is for may still come"


async def test_a_token_that_has_expired_opens_nothing_and_its_seat_is_free_again() -> None:
    clock = FakeClock()
    async with telephone(tickets=Tickets(clock=clock), most_calls=1) as stage:
        sid, parameters = await announced(stage)
        clock.advance(LIFE_S + 0.1)
        async with stage.cloud.network.socket(MEDIA_URL) as socket:
            await socket.send(start(stage, sid, parameters))
            assert await closing(socket) == (
                1008,
                "the token is not one of this call, or was used",
            )
        assert stage.board.taken == 0
        assert stage.runtime.sessions == []
        again, parameters = await announced(stage)
        async with stage.cloud.network.socket(MEDIA_URL) as socket:
            await socket.send(start(stage, again, parameters))
            await until(
                lambda: stage.board.of("twilio", again) is not None, "the agent of the next call"
            )


@pytest.mark.parametrize("algorithm", ["HMAC_SHA256", "ROT13"])
async def test_a_socket_that_is_signed_in_another_way_than_it_says_is_not_opened(
    algorithm: str,
) -> None:
    """Twilio's SHA-1 under another name."""
    async with telephone() as stage:
        says = {SIGNATURE_SETTINGS_HEADER: f"key=webhooks_1,algorithm={algorithm}"}
        with pytest.raises(TwilioRefusal, match="403"):
            async with stage.cloud.network.socket(MEDIA_URL, says):
                pass
        assert stage.metric("refused_total", reason="signature") == 1


async def test_a_token_works_once() -> None:
    async with telephone() as stage:
        sid, parameters = await announced(stage)
        async with (
            stage.cloud.network.socket(MEDIA_URL) as first,
            stage.cloud.network.socket(MEDIA_URL) as second,
        ):
            await first.send(start(stage, sid, parameters))
            await until(lambda: stage.board.calls, "the agent")
            await second.send(start(stage, sid, parameters))
            assert (await closing(second))[0] == 1008
            assert len(stage.board.calls) == 1


async def test_a_format_that_cannot_be_heard_is_told_and_its_seat_is_free_again() -> None:
    async with telephone() as stage:
        sid, parameters = await announced(stage)
        async with stage.cloud.network.socket(MEDIA_URL) as socket:
            await socket.send(
                start(stage, sid, parameters, mediaFormat={**MULAW, "encoding": "audio/opus"})
            )
            code, reason = await closing(socket)
        assert (code, reason) == (1003, "the encoding is none of mu-law, A-law and 16-bit samples")
        assert stage.board.taken == 0


@pytest.mark.parametrize(
    ("encoding", "rate_hz", "loud"),
    [("audio/x-alaw", 8_000, b"\x2a" * 160), ("audio/x-l16", 24_000, b"\x00\x40" * 480)],
)
async def test_what_the_start_message_says_of_the_sound_is_believed(
    encoding: str, rate_hz: int, loud: bytes
) -> None:
    form = {"encoding": encoding, "sampleRate": rate_hz, "channels": 1}
    async with telephone(profile=SILENT) as stage, in_call(stage, mediaFormat=form) as socket:
        for number in range(1, 60):
            await socket.send(media(number, loud))
            await asyncio.sleep(0.02)
        await until(lambda: any(frame.speakers for frame in stage.model.frames), "sound")
        frame = next(frame for frame in stage.model.frames if frame.speakers)
        assert abs(np.frombuffer(frame.pcm, "<i2").astype(int)).max() > 8_000


BAD: list[str | bytes] = [
    "{", "null", '{"event":"media"}', media(3, b"")[:-9], media(4, track="outbound"),
    media(5, payload="!"), media(6, chunk="-1"), json.dumps({"event": "start"}),
    json.dumps({"event": "connected"}), json.dumps({"event": "mark", "streamSid": "MZ9"}),
    media(7).replace(STREAM, "MZ9"), b"\x00\x01", "x" * 60_000,
]  # fmt: skip


async def test_bad_messages_are_left_out_and_the_call_goes_on() -> None:
    async with (
        telephone(profile=SILENT) as stage,
        stage.cloud.phones(VOICE_URL) as other,
        in_call(stage) as socket,
    ):
        await until(lambda: len(stage.board.calls) == 2, "both calls")
        model = stage.model
        for bad in BAD:
            await socket.send(bad)
        for number in range(10, 60):
            await socket.send(media(number, b"\x9a" * 160))
            await asyncio.sleep(0.02)
        await until(lambda: any(frame.speakers for frame in model.frames), "sound after it")
        await socket.send(json.dumps({"event": "stop", "streamSid": STREAM}))
        assert await closing(socket) == (1000, "the call is over")
        assert not other.stream.ended.is_set()
        assert stage.metric("bad_messages_total") == len(BAD)


async def test_too_many_bad_messages_close_the_call_with_a_reason() -> None:
    async with (
        telephone(profile=SILENT) as stage,
        stage.cloud.phones(VOICE_URL) as other,
        in_call(stage) as socket,
    ):
        await until(lambda: len(stage.board.calls) == 2, "both calls")
        for _ in range(SocketLimits().most_bad_at_once + 5):
            await socket.send("{")
        assert await closing(socket) == (1007, "too many messages could not be read")
        await until(lambda: len(stage.board.calls) == 1, "the end of one")
        assert not other.stream.ended.is_set()


async def test_a_stream_that_does_not_begin_is_closed() -> None:
    async with telephone() as stage, stage.cloud.network.socket(MEDIA_URL) as socket:
        await socket.send(media(1))
        assert await closing(socket) == (1008, "the stream did not begin with a start message")


async def test_insecure_needs_no_signature_but_still_the_token() -> None:
    async with (
        telephone(insecure_dev=True) as stage,
        stage.cloud.network.socket(MEDIA_URL, {HEADER: "forged"}) as socket,
    ):
        await socket.send(start(stage, "CA" + "0" * 32, {"token": "guess"}))
        assert (await closing(socket))[0] == 1008
