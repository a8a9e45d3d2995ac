"""What goes wrong around a call: a full house, a model that dies, a server that is stopped."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.live.twilio.calling import alarm_is_answered, connected, greeted
from tests.live.twilio.phone_server import VOICE_URL, brief, serving
from tests.live.twilio.rubbish import Message, messages
from tests.waiting import until

if TYPE_CHECKING:
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
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rubbish=st.lists(messages(), min_size=1, max_size=20))
async def test_no_message_disturbs_the_server(twilio: TwilioCloud, rubbish: list[Message]) -> None:
    await bombard(twilio, rubbish)


async def test_after_all_that_the_messages_of_the_reference_page_are_understood(
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
        await alarm_is_answered(call)
        assert call.alerts == []
        for line in lines[2:]:
            call.stream.send_raw(json.dumps(line | {"streamSid": call.stream.sid}))
        await until(call.stream.ended.is_set, "the end, after stop")
        assert call.stream.close_code == 1000
    assert len(phone_server.logged(bad)) == before


async def test_a_server_that_is_stopped_takes_no_call_and_tells_those_it_has(
    tmp_path: Path, nano_url: str
) -> None:
    options = ("--runtime", nano_url, "--profile", brief(tmp_path), "--drain-timeout", "1")
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
