"""`interject sockets simulate`: what cannot work is one line; the first try of docs/meetings.md."""

from __future__ import annotations

import json
import shutil
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.cli.process.failures import InputFailure
from interject.cli.sockets.command import SimulatedPlatform
from interject.cli.sockets.peer_watch import PeerWatch
from interject.cli.sockets.simulating import read_order, run, why_no_agent
from interject.integrations.sockets.simulator.audiohook import AudioHookDialect
from interject.integrations.sockets.simulator.dialect import ServerText
from interject.integrations.sockets.simulator.peer import SimulatedPeer
from tests.cli.command_process import interject
from tests.cli.sounds import room, write_wav
from tests.live.interject_process import InterjectProcess
from tests.live.livekit.agent import ALARM_S, kitchen
from tests.live.redis.server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from interject.cli.output.call_event import CallEvent

PLAIN = SimulatedPlatform.PLAIN
SERVER = "http://127.0.0.1:1"


@pytest.fixture
def sound(tmp_path: Path) -> str:
    return str(write_wav(tmp_path / "room.wav", room(1.0, loud_at_s=(0.2,))))


@pytest.mark.parametrize(
    ("server", "record", "seconds", "said"),
    [
        ("nowhere", None, None, "--server nowhere: give the address that it logged"),
        ("https://a.example", None, None, "give the address that it logged, behind any proxy"),
        (SERVER, None, 0.0, "--seconds 0: more than 0"),
        (SERVER, "no/such/folder.wav", None, "--record no/such/folder.wav: there is no folder"),
    ],
)
def test_an_order_that_cannot_work_is_refused_before_anybody_is_dialled(
    sound: str, server: str, record: str | None, seconds: float | None, said: str
) -> None:
    with pytest.raises(InputFailure, match=said):
        read_order(sound, server, PLAIN, record, seconds, json=False, environment={})


@pytest.mark.parametrize("platform", SimulatedPlatform)
def test_where_nobody_answers_it_says_so(sound: str, platform: SimulatedPlatform) -> None:
    order = read_order(
        sound, f"http://127.0.0.1:{free_port()}", platform, None, None, json=False, environment={}
    )
    with pytest.raises(InputFailure, match="nobody answers there; start the server first"):
        run(order)


def test_a_client_secret_that_is_none_is_told_and_not_shown(sound: str) -> None:
    secret = {"INTERJECT_AUDIOHOOK_CLIENT_SECRET": "hush!"}
    order = read_order(
        sound, SERVER, SimulatedPlatform.MONITOR, None, None, json=False, environment=secret
    )
    with pytest.raises(InputFailure, match="INTERJECT_AUDIOHOOK_CLIENT_SECRET: it is no base64"):
        run(order)


def test_who_is_not_known_is_told_which_variables_have_to_be_the_server_s(sound: str) -> None:
    order = read_order(
        sound, SERVER, SimulatedPlatform.MONITOR, None, None, json=False, environment={}
    )
    peer = SimulatedPeer(AudioHookDialect(), speakers=("external",))
    peer.told.append(ServerText("disconnect", {"reason": "unauthorized"}))
    shown: list[CallEvent] = []
    watch = PeerWatch(peer, shown.append)
    watch.look_once()
    assert [one.event for one in shown] == ["disconnect"]
    said = why_no_agent(order, watch)
    assert "INTERJECT_AUDIOHOOK_API_KEY, INTERJECT_AUDIOHOOK_CLIENT_SECRET" in said


@pytest.fixture
def server(tmp_path: Path) -> Iterator[InterjectProcess]:
    process = InterjectProcess(
        [
            "serve", "--sockets", "attendee", "--no-webrtc", "--insecure-dev",
            "--bind", "127.0.0.1:0", "--log-format", "json",
        ],
        tmp_path / "log",
        ready="Interject serves",
        environment=dict.fromkeys(("INTERJECT_API_TOKEN", "INTERJECT_ATTENDEE_SECRET"), ""),
    )  # fmt: skip
    try:
        process.start()
        yield process
    finally:
        process.kill()


@pytest.mark.rare
@pytest.mark.live
@pytest.mark.timeout(180)
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")
def test_a_bot_in_a_meeting_is_answered_and_another_platform_is_not_served(
    server: InterjectProcess, tmp_path: Path
) -> None:
    address = str(server.logged("Interject serves")[0]["address"])
    alarm, record = tmp_path / "alarm.wav", tmp_path / "call.wav"
    write_wav(alarm, np.tile(kitchen(ALARM_S), 2).astype(np.int16))
    words = ["sockets", "simulate", str(alarm), "--server", address]
    done = interject(*words, "--platform", "attendee", "--record", str(record), "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    spoken = [event["text"] for event in events if event["event"] == "reply_spoken"]
    assert any("alarm" in text.lower() for text in spoken), events
    with wave.open(str(record)) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert np.abs(both.astype(int)).max(axis=0).min() > 2_000
    other = interject(*words)
    assert other.returncode == 2
    assert "start the server with --sockets plain" in other.stderr
    assert other.stderr.count("\n") == 1
