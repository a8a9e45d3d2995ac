"""`interject serve` as a process: it serves, drains, and says in one line what cannot work."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.cli.command_process import interject
from tests.live.interject_process import InterjectProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = "a-token-of-the-operator"
TWILIO = {"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": ""}
READY = "Interject serves"


@pytest.fixture
def voice_data(tmp_path: Path) -> Path:
    """What espeak-ng speaks with, in a folder that a test may take away."""
    found = [*Path("/usr/lib").glob("*/espeak-ng-data"), Path("/usr/share/espeak-ng-data")]
    folder = tmp_path / "espeak-ng-data"
    folder.mkdir()
    for one in next(one for one in found if one.is_dir()).iterdir():
        (folder / one.name).symlink_to(one)
    return folder


@pytest.fixture
def server(tmp_path: Path, voice_data: Path) -> Iterator[InterjectProcess]:
    words = ["serve", "--bind", "127.0.0.1:0", "--log-format", "json"]
    process = InterjectProcess(
        words,
        tmp_path / "log",
        ready=READY,
        environment=TWILIO
        | {"INTERJECT_API_TOKEN": TOKEN, "ESPEAK_DATA_PATH": str(voice_data.parent)},
    )
    try:
        process.start()
        yield process
    finally:
        process.kill()


@pytest.mark.live
@pytest.mark.timeout(120)
def test_it_serves_a_page_and_probes_until_it_is_told_to_stop(
    server: InterjectProcess, voice_data: Path
) -> None:
    url = server.logged(READY)[0]["address"]
    authorized = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=url, timeout=30) as client:
        assert client.get("/readyz").text == "ready\n"
        assert client.get("/healthz").text == "alive\n"
        assert "<!doctype html>" in client.get("/").text
        assert client.get("/metrics").status_code == 401
        metrics = client.get("/metrics", headers=authorized).text
        assert client.post("/api/offer", json={}).status_code == 401
        gone = voice_data.rename(voice_data.with_name("gone"))
        told = told_by(client, lambda text: text != "ready\n")
        assert told == "the voice cannot speak: it makes no sound\n"
        gone.rename(voice_data)
        assert told_by(client, lambda text: text == "ready\n")
    assert server.logged("the voice cannot speak")[0]["reason"] == "it makes no sound"
    assert "interject_client_sessions 0.0" in metrics
    assert "interject_cue_screens 0.0" in metrics
    assert server.stop() == 0
    assert server.logged("stopped")


def told_by(client: httpx.Client, is_so: Callable[[str], bool]) -> str:
    deadline = time.monotonic() + 60
    while not is_so(text := client.get("/readyz").text):
        assert time.monotonic() < deadline, text
        time.sleep(0.1)
    return text


@pytest.mark.live
@pytest.mark.timeout(120)
def test_a_model_that_dies_makes_it_unready_until_another_is_there(
    server: InterjectProcess,
) -> None:
    url = server.logged(READY)[0]["address"]
    os.kill(server.runtime_pid(), signal.SIGSTOP)
    with httpx.Client(base_url=url, timeout=30) as client:
        deadline = time.monotonic() + 60
        seen = [client.get("/readyz").status_code]
        while seen.count(503) == 0 or seen[-1] == 503:
            assert time.monotonic() < deadline, seen
            time.sleep(0.1)
            seen.append(client.get("/readyz").status_code)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bind", "0.0.0.0:8080"], "others can reach this address, so it needs a token"),
        (["--bind", "8080"], "give host:port"),
        (["--bind", "0.0.0.0:0", "--insecure-dev"], "serves loopback only"),
        (["--public-url", "https://voice.example.com"], "so it needs a token"),
        (["--public-url", "http://voice.example.com"], "give https://"),
        (["--api-token", "short"], "16 characters at least"),
        (["--api-token", "grüße-an-alle-die-es-lesen"], "other characters than those of ASCII"),
        (["--origin", "desk"], "give scheme and host"),
        (["--no-webrtc"], "there would be no way in"),
        (["--sockets", "zoom"], "--sockets zoom: there is no such platform; there are plain"),
        (["--sockets", "plain,attendee"], "--sockets: set INTERJECT_ATTENDEE_SECRET"),
        (["--sockets", "recall"], "--sockets: set INTERJECT_RECALL_TOKEN"),
        (["--sockets", "audiohook"], "--sockets: set INTERJECT_AUDIOHOOK_API_KEY"),
        (["--max-calls", "0"], "at least one"),
        (["--drain-timeout", "-1"], "a time is not negative"),
        (["--wait", "nan"], "--wait nan: a time is not negative"),
        (["--webhook", "http://a b/"], "--webhook: give a URL"),
        (["--webhook", "desk.example.com"], "give a URL"),
        (["--turn", "turn:relay.example.com"], "set INTERJECT_TURN_SECRET, or else"),
        (["--turn", "relay.example.com"], "--turn: give turn:host:port"),
        (["--turn", "turn:a.example.com?transport=sctp"], "--turn: give turn:host:port"),
        (["--stun", "nonsense"], "--stun: give stun:host:port"),
        (["--relay-only"], "--relay-only: there is no way without a --turn"),
        (["--profile", "nobody"], "nobody"),
        (["--slots", "many"], "give a number, or auto"),
    ],
)
def test_what_cannot_work_is_one_line(
    monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    for name, value in TWILIO.items():
        monkeypatch.setenv(name, value)
    done = interject("serve", *words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


ACCOUNT = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "a-secret"}


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        (
            ["--twilio"],
            ACCOUNT,
            (
                "--twilio: set --public-url (INTERJECT_PUBLIC_URL) to where Twilio reaches this "
                "server, for example https://voice.example.com; to try it without an account, say "
                "--insecure-dev\n"
            ),
        ),
        (
            [],
            ACCOUNT,
            "; or leave telephones out with --no-twilio: TWILIO_ACCOUNT_SID alone asks for them\n",
        ),
        (
            ["--twilio", "--public-url", "https://voice.example.com", "--api-token", TOKEN],
            {},
            "--twilio: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, which the first page of ",
        ),
        (
            ["--twilio", "--insecure-dev", "--bind", "127.0.0.1:0"],
            {},
            "--bind 127.0.0.1:0: telephones have to be told the port; name one, for example 8080",
        ),
        (
            ["--twilio", "--insecure-dev"],
            {"INTERJECT_TWILIO_MACHINE": "leave_message"},
            "so set INTERJECT_TWILIO_MACHINE_MESSAGE to the sentence that is left\n",
        ),
        (
            ["--twilio", "--insecure-dev"],
            {"INTERJECT_TWILIO_COPILOT_PROFILE": "nobody"},
            "--twilio: INTERJECT_TWILIO_COPILOT_PROFILE: no profile is called 'nobody'",
        ),
    ],
)
def test_what_is_missing_for_telephones_is_one_line_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, words: list[str], environment: dict[str, str], said: str
) -> None:
    for name, value in {**TWILIO, "INTERJECT_PUBLIC_URL": "", **environment}.items():
        monkeypatch.setenv(name, value)
    done = interject("serve", *words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "a-secret" not in done.stderr


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = interject("serve", "--no-twilio", "--bind", f"127.0.0.1:{port}")
    assert done.returncode == 2
    assert done.stderr == (
        f"interject: --bind 127.0.0.1:{port}: address already in use; name another address, "
        "or port 0\n"
    )
