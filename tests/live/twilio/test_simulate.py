"""`interject twilio simulate` as a reader of docs/twilio.md runs it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import wave
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import psutil
import pytest

from interject.integrations.twilio.simulator.signing import HEADER, signature
from tests.live.interject_process import ROOT, InterjectProcess
from tests.live.livekit.agent import ALARM_S, kitchen
from tests.live.redis.server import free_port
from tests.live.twilio.phone_server import COPILOT_URL, brief

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.live.twilio.phone_server import PhoneServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]


def alarm(folder: Path) -> str:
    """Twice: a busy machine may break one up."""
    path = folder / "alarm.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.tile(kitchen(ALARM_S), 2).astype("<i2").tobytes())
    return str(path)


def simulated(*words: str, **environment: str) -> tuple[list[dict[str, Any]], str]:
    """The events of a call, and what was said on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "interject.cli", "twilio", "simulate", *words, "--json"],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    times = [event["time"] for event in events]
    assert times == sorted(times)
    return events, done.stderr


def recorded(path: Path) -> NDArray[np.int16]:
    """Left what the caller said, right what he heard."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8_000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


async def test_a_server_is_started_for_a_call_with_a_copilot(tmp_path: Path, nano_url: str) -> None:
    profile = brief(tmp_path, "call_center_copilot")
    sound = alarm(tmp_path)
    events, _ = await asyncio.to_thread(
        simulated, sound, "--colleague", sound, "--runtime", nano_url, "--profile", profile,
        "--seconds", "5",
    )  # fmt: skip
    told = names(events)
    verbs = [event["verb"] for event in events if event["event"] == "twiml"]
    assert verbs == ["Start", "Dial"]
    assert "cue" in told
    assert {"agent_speaks", "reply_spoken", "twilio_error"} & set(told) == set()


async def test_a_copilot_is_tried_without_a_warning_about_callers(
    tmp_path: Path, nano_url: str
) -> None:
    sound = alarm(tmp_path)
    events, errors = await asyncio.to_thread(
        simulated, sound, "--colleague", sound, "--runtime", nano_url, "--seconds", "1"
    )
    assert "stream_opened" in names(events)
    assert errors == ""


async def test_insecure_dev_is_loud_open_and_on_loopback_only(
    tmp_path: Path, nano_url: str
) -> None:
    port = free_port()
    without = dict.fromkeys(
        ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "INTERJECT_API_TOKEN", "INTERJECT_PUBLIC_URL"),
        "",
    )
    words = [
        "serve", "--twilio", "--no-webrtc", "--insecure-dev", "--bind", f"127.0.0.1:{port}",
        "--runtime", nano_url, "--profile", brief(tmp_path), "--log-format", "json",
    ]  # fmt: skip
    server = InterjectProcess(
        words, tmp_path / "log", ready="Interject serves", environment=without
    )
    try:
        server.start()
        warnings = [line for line in server.text().splitlines() if "INSECURE" in line]
        assert len(warnings) == 2
        assert "signatures of Twilio are not checked" in warnings[0]
        assert "no token is asked for" in warnings[1]
        listening = psutil.Process(server.pid).net_connections("tcp")
        bound = {one.laddr.ip for one in listening if one.status == psutil.CONN_LISTEN}
        assert bound == {"127.0.0.1"}
        url = f"http://127.0.0.1:{port}"
        record = tmp_path / "call.wav"
        events, errors = await asyncio.to_thread(
            simulated, alarm(tmp_path), "--server", url, "--record", str(record), "--seconds", "9",
            **without,
        )  # fmt: skip
        told = names(events)
        for each in ("stream_opened", "agent_speaks", "caller_speaks", "silent", "respond"):
            assert each in told
        spoken = [event for event in events if event["event"] == "reply_spoken"]
        assert "alarm" in spoken[0]["text"].lower()
        assert events[-1]["decisions"] > 5
        assert errors == ""
        both = recorded(record)
        assert np.abs(both.astype(int)).max(axis=0).min() > 2_000
        form = {"CallSid": "CA1", "AccountSid": "AC1"}
        async with httpx.AsyncClient(base_url=url, trust_env=False) as anybody:
            assert (await anybody.post("/twilio/voice", data=form)).status_code == 200
            assert (await anybody.get("/twilio/calls")).status_code == 200
            evil = {"Host": "evil.example.net"}
            assert (await anybody.get("/twilio/calls", headers=evil)).status_code == 403
    finally:
        server.kill()


def test_a_copilot_s_webhook_without_a_way_on_is_an_error_of_twilio_s(
    phone_server: PhoneServer,
) -> None:
    """So that Twilio asks the number's fallback URL, and the customer is not cut off."""
    form = {"CallSid": "CA1", "AccountSid": phone_server.subscription.account.sid}
    signed = {HEADER: signature(phone_server.subscription.account.auth_token, COPILOT_URL, form)}
    url = f"http://{phone_server.address}/twilio/copilot"
    answer = httpx.post(url, data=form, headers=signed, trust_env=False)
    assert answer.status_code == 503
    [told] = phone_server.logged(
        "A call on its way to people cannot go on: set what it goes on with"
    )
    assert told["setting"] == "INTERJECT_TWILIO_COPILOT_THEN"


def test_who_breaks_off_while_the_server_starts_leaves_nothing_behind(
    tmp_path: Path, nano_url: str
) -> None:
    command = [sys.executable, "-m", "interject.cli", "twilio", "simulate", alarm(tmp_path)]
    with subprocess.Popen(
        [*command, "--runtime", nano_url], cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        parent = psutil.Process(running.pid)
        deadline = time.monotonic() + 60
        while not (family := parent.children(recursive=True)):
            assert time.monotonic() < deadline, "it starts no server"
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
        assert (running.returncode, said) == (130, "interject: interrupted\n")
        assert [one for one in family if one.is_running()] == []
