"""What cannot be simulated is one line, before anything is started."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING, Any

import pytest

from interject.cli.process.failures import InputFailure
from interject.cli.twilio.simulated_order import RunningServer, SimulatedOrder, read_order
from tests.cli.command_process import interject

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def sound(tmp_path: Path) -> str:
    path = tmp_path / "said.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(b"\x00\x10" * 8_000)
    return str(path)


def order(sound: str, **changes: Any) -> SimulatedOrder:
    given: dict[str, Any] = dict.fromkeys(
        ("colleague", "server", "public_url", "profile", "runtime", "record", "seconds")
    )
    given |= {"sound": sound, "press": "", "barge_in": False, "json": False, "environment": {}}
    return read_order(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seconds": 0.0}, "--seconds 0: more than 0, and at most 3600"),
        ({"press": "5", "colleague": "said.wav"}, "--press: Twilio tells no copilot of keys"),
        ({"press": "5x"}, r"--press 5x: a telephone has the keys 0 to 9, \* and #"),
        ({"server": "https://voice.example.com"}, "give the address that it logged"),
        ({"server": "127.0.0.1:8080"}, "for example http://127.0.0.1:8080"),
        ({"server": "http://[::1"}, "give the address that it logged"),
        ({"server": "http://127.0.0.1:1", "barge_in": True}, "belong to a server that is started"),
        ({"record": "/no/such/folder/out.wav"}, "there is no folder"),
        (
            {"colleague": "/no/such/file.wav"},
            "no such file; give a path, or '-' for standard input$",
        ),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_started(
    sound: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputFailure, match=said) as caught:
        order(sound, **changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--profile", "nobody"], 2, "the server did not start: no profile is called 'nobody'"),
        (["--server", "http://127.0.0.1:1"], 1, "no agent had this call; the lines above say why"),
    ],
)
def test_a_server_that_is_not_there_is_one_line(
    sound: str, words: list[str], code: int, said: str
) -> None:
    done = interject("twilio", "simulate", sound, *words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_sound_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("hello")
    with pytest.raises(InputFailure):
        order(str(tmp_path / "text.wav"))


def test_a_running_server_is_called_with_the_account_of_the_environment(sound: str) -> None:
    environment = {
        "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "secret",
        "INTERJECT_API_TOKEN": "first-token, second-token",
    }  # fmt: skip
    made = order(
        sound,
        server="http://127.0.0.1:8080/",
        public_url="https://voice.example.com/",
        environment=environment,
    )
    assert made.server == RunningServer(
        "127.0.0.1:8080", "https://voice.example.com", "AC1", "secret", "first-token"
    )
    assert len(made.sound) == 16_000
    assert "secret" not in repr(made)
    assert "token" not in repr(made.server)
