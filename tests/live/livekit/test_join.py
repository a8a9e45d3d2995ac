"""`interject livekit join` stands for a person, as a user starts it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from livekit import api, rtc

from interject.cli.livekit.joining import LINGER_S
from interject.integrations.livekit.jobs.worker import CANNOT_SERVE
from interject.integrations.livekit.room.posts import CHAT_TOPIC, ERROR_ATTRIBUTES
from tests.live.livekit.participants import person, tone
from tests.waiting import PATIENCE_S, until

if TYPE_CHECKING:
    from tests.live.livekit.server import LiveKitServer

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "interject.cli", "livekit"]
TALK_S = 3.0

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


def sound(folder: Path) -> Path:
    path = folder / "tone.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(tone(440, TALK_S).tobytes())
    return path


async def run(server: LiveKitServer, *options: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command that is told of the server."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *options,
        cwd=ROOT,
        env=os.environ | server.environment | {"PYTHONWARNINGS": "error"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(120):
            out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(), errors.decode()


def read(path: Path) -> Any:
    with wave.open(str(path)) as recorded:
        assert (recorded.getnchannels(), recorded.getframerate()) == (2, 16_000)
        data = recorded.readframes(recorded.getnframes())
    return np.frombuffer(data, np.int16).reshape(-1, 2)


async def test_it_plays_records_writes_and_tells(
    livekit_server: LiveKitServer, tmp_path: Path
) -> None:
    out = tmp_path / "out.wav"
    async with person(livekit_server, "r", "ben") as ben:
        talking = asyncio.create_task(ben.visitor.play(tone(300, 200.0)))
        code, said, errors = await run(
            livekit_server, "join", "--room", "r", "--identity", "ann", "--json",
            "--play", str(sound(tmp_path)), "--record", str(out), "--say", "hello",
        )  # fmt: skip
        assert code == 0, errors
        assert "Traceback" not in errors
        await until(lambda: ben.found("voice_started", identity="ann"), "Ann's tone")
        await until(lambda: ben.found("chat", identity="ann"), "Ann's words")
        await until(lambda: ben.found("participant_left", identity="ann"), "Ann to leave")
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
    events = [json.loads(line) for line in said.splitlines()]
    names = [event["event"] for event in events]
    assert {"participant_joined", "track", "voice_started", "play_started"} <= set(names)
    assert "play_ended" in names
    times = [event["time"] for event in events]
    assert times == sorted(times)
    stereo = read(out)
    ended_s = times[names.index("play_ended")]
    assert len(stereo) / 16_000 == pytest.approx(ended_s + LINGER_S, abs=1.0)
    assert np.count_nonzero(stereo[:, 0]) > TALK_S * 16_000 * 0.9, "what was played"
    assert np.count_nonzero(stereo[:, 1]) > TALK_S * 16_000 * 0.5, "what was heard"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--room", "r", "--api-secret", "x" * 40], "refuses the token"),
        (["--room", "r", "--url", "ws://127.0.0.1:1"], "no LiveKit server answers there"),
        (["--room", "r", "--dispatch", "a", "--api-secret", "x" * 40], "refuses to dispatch"),
    ],
)
async def test_what_cannot_work_is_one_line(
    livekit_server: LiveKitServer, options: list[str], says: str
) -> None:
    code, out, errors = await run(livekit_server, "join", *options)
    assert code == 2
    assert out == ""
    assert len(errors.splitlines()) == 1
    assert says in errors
    assert "Traceback" not in errors
    assert "eyJ" not in errors, "a token is a secret"


async def test_a_worker_with_another_key_is_told_so_in_one_line(
    livekit_server: LiveKitServer,
) -> None:
    code, _, errors = await run(livekit_server, "start", "--api-secret", "x" * 40)
    assert code == 2
    assert "refuses the token" in errors.splitlines()[-1]
    assert "Traceback" not in errors


async def test_a_room_that_ends_is_told(livekit_server: LiveKitServer) -> None:
    joining = asyncio.create_task(
        run(livekit_server, "join", "--room", "short", "--identity", "ann", "--json")
    )
    async with (
        person(livekit_server, "short", "ben") as ben,
        api.LiveKitAPI(livekit_server.url, livekit_server.key, livekit_server.secret) as admin,
    ):
        await until(lambda: ben.found("participant_joined", identity="ann"), "Ann to join")
        await admin.room.delete_room(api.DeleteRoomRequest(room="short"))
        code, out, errors = await joining
        assert code == 1
        assert json.loads(out.splitlines()[-1])["reason"] == "room_deleted"
        assert errors == "interject: the server ended the visit\n"
        await ben.visitor.gone.wait()


async def test_an_agent_that_does_not_come_is_told(livekit_server: LiveKitServer) -> None:
    asked = ("--dispatch", "nobody", "--seconds", "1")
    code, _, errors = await run(livekit_server, "join", "--room", "empty", *asked)
    assert code == 2
    assert errors.startswith("interject: no agent came within 1 s; is a worker registered as 'nob")
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("hidden", [False, True], ids=["known", "gone before it is known"])
async def test_an_agent_that_cannot_serve_is_no_agent_that_does_not_come(
    livekit_server: LiveKitServer, hidden: bool
) -> None:
    room = rtc.Room()
    grants = api.VideoGrants(room_join=True, room="r", agent=True, hidden=hidden)
    token = api.AccessToken(livekit_server.key, livekit_server.secret).with_identity("agent")
    await room.connect(livekit_server.url, token.with_kind("agent").with_grants(grants).to_jwt())
    came = asyncio.Event()
    room.on("participant_connected", lambda _: came.set())
    joining = asyncio.create_task(
        run(livekit_server, "join", "--room", "r", "--dispatch", "interject")
    )
    try:
        await asyncio.wait_for(came.wait(), PATIENCE_S)
        await room.local_participant.send_text(
            CANNOT_SERVE, topic=CHAT_TOPIC, attributes=ERROR_ATTRIBUTES
        )
        code, _, errors = await joining
    finally:
        await room.disconnect()
    assert code == 2
    assert errors.startswith("interject: an agent came and could not serve this room; the log of")
    assert len(errors.splitlines()) == 1
