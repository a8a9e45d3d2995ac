"""What goes wrong around a call: a full house, a model that dies, a server that is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.live.livekit.agent import ALARM_S, QUESTION_S, kitchen
from tests.live.twilio.calling import TRIES, alarm_is_answered, connected, greeted, loud_s
from tests.live.twilio.phone_server import COPILOT_URL, VOICE_URL, brief, serving
from tests.live.twilio.rubbish import Message, messages
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.integrations.twilio.simulator.call import SimulatedCall
    from interject.integrations.twilio.simulator.cloud import TwilioCloud
    from tests.live.twilio.phone_server import PhoneServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

REFERENCE = Path(__file__).with_name("reference_messages.jsonl")
COLLEAGUE = "+442071838751"


def put_in(message: Message, call: SimulatedCall) -> Message:
    """With the stream's own SID where it stands for it."""
    return message if isinstance(message, bytes) else message.replace("STREAM", call.stream.sid)


async def bombard(twilio: TwilioCloud, rubbish: list[Message]) -> None:
    """Another call, that says all this after its start; it goes on, or is closed with a reason."""
    async with twilio.phones(VOICE_URL) as call:
        await connected(call)
        for message in rubbish:
            call.stream.send_raw(put_in(message, call))
        await asyncio.sleep(0.02)
        if call.stream.ended.is_set():
            assert call.stream.close_code in (1000, 1003, 1007, 1008, 1009)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rubbish=st.lists(messages(), min_size=1, max_size=20))
async def test_no_message_disturbs_the_server(twilio: TwilioCloud, rubbish: list[Message]) -> None:
    await bombard(twilio, rubbish)


async def test_after_all_that_a_call_is_whole(twilio: TwilioCloud) -> None:
    async with twilio.phones(VOICE_URL) as call:
        await greeted(call)
        await alarm_is_answered(call)
        assert call.alerts == []


async def test_the_messages_of_the_reference_page_are_understood(
    twilio: TwilioCloud, phone_server: PhoneServer
) -> None:
    bad = "A message of a media stream was left out"
    before = len(phone_server.logged(bad))
    lines = [json.loads(line) for line in REFERENCE.read_text(encoding="utf-8").splitlines()]
    assert {line["event"] for line in lines} == {
        "connected", "start", "media", "dtmf", "mark", "stop",
    }  # fmt: skip
    async with twilio.phones(VOICE_URL) as call:
        await greeted(call)
        for line in lines[2:]:
            call.stream.send_raw(json.dumps(line | {"streamSid": call.stream.sid}))
        await until(call.stream.ended.is_set, "the end, after stop")
        assert call.stream.close_code == 1000
    assert len(phone_server.logged(bad)) == before


async def test_a_copilot_hears_both_and_shows_a_card_and_is_never_heard(
    tmp_path: Path, nano_url: str
) -> None:
    """Whoever phones is the customer; the dialled colleague answers."""
    options = ("--runtime", nano_url, "--profile", brief(tmp_path, mode="assist", outputs=["cue"]))
    with serving(tmp_path, *options, INTERJECT_TWILIO_COPILOT_THEN=COLLEAGUE) as server:
        async with server.connected() as twilio, cards(server) as shown:
            async with twilio.phones(COPILOT_URL) as call:
                await connected(call)
                await until(lambda: call.callee_is_there, "the colleague")
                for _ in range(TRIES):
                    await call.callee.say(kitchen(QUESTION_S))
                    await call.handset.say(kitchen(ALARM_S))
                    await asyncio.sleep(2.0)
                    if shown:
                        break
                assert call.stream.order.tracks == ("inbound", "outbound")
                assert call.script.dialled == [COLLEAGUE]
                assert call.stream.received.total() == 0
                assert call.script.announced == []
                assert call.alerts == []
            await until(lambda: shown, "a card")
            assert shown[0]["call"] == call.sid


async def test_a_full_house_says_so_and_has_room_again(tmp_path: Path, nano_url: str) -> None:
    options = ("--runtime", nano_url, "--profile", brief(tmp_path), "--max-calls", "1")
    with serving(tmp_path, *options) as server:
        async with server.connected() as twilio:
            async with twilio.phones(VOICE_URL) as first:
                await connected(first)
                async with twilio.phones(VOICE_URL) as second:
                    await until(second.over.is_set, "the end of the second")
                assert len(second.script.announced) == 1
                assert "busy" in second.script.announced[0]
                assert loud_s(second.recording.heard) > 1.0
                assert second.streams == []
                assert not first.stream.ended.is_set()
            # The model's session of the first ends a moment after its caller has hung up.
            await asyncio.sleep(2.0)
            async with twilio.phones(VOICE_URL) as third:
                await greeted(third)


async def test_a_model_that_is_killed_comes_back_in_mid_call(tmp_path: Path) -> None:
    options = ("--runtime", "local:nano", "--slots", "2", "--profile", brief(tmp_path))
    with serving(tmp_path, *options) as server:
        async with server.connected() as twilio, twilio.phones(VOICE_URL) as call:
            await greeted(call)
            os.kill(server.runtime_pid(), signal.SIGKILL)
            await asyncio.sleep(1.0)
            await alarm_is_answered(call)
            assert call.alerts == []


async def test_a_server_that_stands_still_loses_sound_and_goes_on(
    twilio: TwilioCloud, phone_server: PhoneServer
) -> None:
    async with twilio.phones(VOICE_URL) as call:
        await greeted(call)
        phone_server.signal(signal.SIGSTOP)
        await asyncio.sleep(3.0)
        phone_server.signal(signal.SIGCONT)
        await asyncio.sleep(2.0)
        await alarm_is_answered(call)


async def test_a_server_that_is_stopped_takes_no_call_and_tells_those_it_has(
    tmp_path: Path, nano_url: str
) -> None:
    options = ("--runtime", nano_url, "--profile", brief(tmp_path), "--drain-timeout", "2")
    with serving(tmp_path, *options) as server:
        async with server.connected() as twilio, twilio.phones(VOICE_URL) as call:
            await greeted(call)
            told_from_s = call.now_s
            server.terminate()
            async with twilio.phones(VOICE_URL) as late:
                await until(late.over.is_set, "the refusal")
                assert late.streams == []
            await until(call.over.is_set, "the end of the call")
            assert call.heard_after(told_from_s) is not None
            assert await asyncio.to_thread(server.wait) == 0


@contextlib.asynccontextmanager
async def cards(server: PhoneServer) -> AsyncIterator[list[dict[str, Any]]]:
    """Those that a screen shows, as they come."""
    shown: list[dict[str, Any]] = []
    watching = asyncio.create_task(_watch(server, shown))
    try:
        yield shown
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(server: PhoneServer, shown: list[dict[str, Any]]) -> None:
    bearer = {"Authorization": f"Bearer {server.subscription.operator_token}"}
    async with (
        httpx.AsyncClient(trust_env=False, timeout=None) as client,
        client.stream("GET", f"http://{server.address}/api/cues", headers=bearer) as stream,
    ):
        async for line in stream.aiter_lines():
            name, _, text = line.partition(": ")
            if name == "data" and "cue" in (told := json.loads(text)):
                shown.append(told)
