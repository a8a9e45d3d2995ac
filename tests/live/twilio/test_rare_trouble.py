"""What hardly ever breaks around a call, and takes long to try.

`make test` tries each of these with a model that follows a script, or without a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from benchmarks.result import load_results
from benchmarks.servers import Fleet
from tests.live.livekit.agent import ALARM_S, QUESTION_S, kitchen
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
from tests.live.twilio.phone_server import COPILOT_URL, HOST, VOICE_URL, brief, serving
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.integrations.twilio.simulator.cloud import TwilioCloud
    from tests.live.twilio.phone_server import PhoneServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.rare,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

COLLEAGUE = "+442071838750"
MEDIA_URL = f"wss://{HOST}/twilio/media"
ROOT = Path(__file__).parents[3]


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


async def test_sound_that_twilio_lost_does_not_move_what_follows(twilio: TwilioCloud) -> None:
    async with twilio.phones(VOICE_URL) as call:
        await greeted(call)
        call.stream.lose(2.0)
        await asyncio.sleep(2.2)
        assert call.stream.lost_blocks >= 95
        assert await alarm_is_answered(call) < 4.0


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


async def test_a_stream_that_does_not_start_is_closed(twilio: TwilioCloud) -> None:
    async with twilio.network.socket(MEDIA_URL) as silent:
        began = time.monotonic()
        await silent.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        await silent.wait_closed()
        assert silent.close_code == 1008
        assert time.monotonic() - began < 10


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


async def test_a_worker_is_killed_in_mid_call_and_another_goes_on(tmp_path: Path) -> None:
    with Fleet() as fleet:
        first = await asyncio.to_thread(fleet.hire, slots=2)
        options = ("--runtime", fleet.url, "--profile", brief(tmp_path))
        with serving(tmp_path, *options) as server:
            async with server.connected() as twilio, twilio.phones(VOICE_URL) as call:
                await greeted(call)
                await asyncio.to_thread(fleet.hire, slots=2)
                first.kill()
                await asyncio.sleep(3.0)
                await alarm_is_answered(call)
                assert call.alerts == []


def test_smoke_run_prints_a_table_and_keeps_nothing() -> None:
    before = load_results()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.telephone", "--smoke", "--alone"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    assert "| --- |" in done.stdout
    assert load_results() == before


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
