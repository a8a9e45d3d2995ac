"""What `interject livekit` refuses before it asks any server."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

pytestmark = pytest.mark.timeout(240)

ACCESS = ("--url", "ws://127.0.0.1:1", "--api-key", "key", "--api-secret", "s" * 32)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--room", "r", *ACCESS, "--url", "localhost"), "not the address of a LiveKit server"),
        (("--room", "r", *ACCESS, "--api-key", ""), "a key and its secret are needed"),
        (("--room", "", *ACCESS), "a name is not empty"),
        (("--room", "r", *ACCESS, "--play", "nothing.wav"), "no such file"),
        (("--room", "r", *ACCESS, "--record", "/"), "is a folder"),
        (("--room", "r", *ACCESS, "--record", "no/such/x.wav"), "there is no folder no/such;"),
        (("--room", "r", *ACCESS, "--seconds", "0"), "--seconds 0"),
        (("--room", "r", *ACCESS, "--metadata", "{}"), "belongs to --dispatch"),
        (("--room", "r", *ACCESS, "--dispatch", "a", "--metadata", "{"), "--metadata: no JSON"),
    ],
)
def test_a_visit_that_cannot_work_is_one_line(
    interject: Callable[..., Outcome], words: tuple[str, ...], says: str
) -> None:
    outcome = interject("livekit", "join", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) == 1
    assert says in outcome.err


@pytest.mark.parametrize("command", ["start", "dev"])
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--profile", "meeting_assistent"), "did you mean 'meeting_assistant'?"),
        (("--slots", "0"), "--slots 0: a worker needs at least one slot"),
        (("--profiles", "nowhere"), "--profiles nowhere: no such folder"),
        (("--url", "localhost"), "not the address of a LiveKit server"),
    ],
)
def test_a_worker_that_cannot_work_is_one_line(
    interject: Callable[..., Outcome], command: str, words: tuple[str, ...], says: str
) -> None:
    outcome = interject("livekit", command, *ACCESS, *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.err.splitlines()[-1]


def test_a_model_that_is_not_there_is_named(interject: Callable[..., Outcome]) -> None:
    outcome = interject("livekit", "start", *ACCESS, "--runtime", "local:nowhere")
    assert (outcome.code, outcome.out) == (2, "")
    assert "nowhere" in outcome.err.splitlines()[-1]


@pytest.mark.parametrize("command", ["start", "dev"])
def test_a_socket_where_no_model_listens_is_refused(
    interject: Callable[..., Outcome], tmp_path: Path, command: str
) -> None:
    runtime = f"local:unix:{tmp_path / 'nobody'}"
    outcome = interject("livekit", command, *ACCESS, "--runtime", runtime)
    assert (outcome.code, outcome.out) == (2, "")
    assert "nobody" in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err


def test_a_redis_that_is_not_there_is_waited_for_and_refused(
    interject: Callable[..., Outcome],
) -> None:
    words = ("--runtime", "redis://127.0.0.1:1/0", "--wait")
    outcome = interject("livekit", "start", *ACCESS, *words, "0.1")
    assert (outcome.code, outcome.out) == (2, "")
    assert "no Redis answers there" in outcome.err.splitlines()[-1]
    outcome = interject("livekit", "start", *ACCESS, *words, "-1")
    assert "a time is not negative" in outcome.err


def test_a_runtime_that_there_is_not_is_refused(interject: Callable[..., Outcome]) -> None:
    outcome = interject("livekit", "start", *ACCESS, "--runtime", "http://127.0.0.1")
    assert (outcome.code, outcome.out) == (2, "")
    assert "not a runtime" in outcome.err


@pytest.mark.parametrize("health", ["8081", "127.0.0.1:", "127.0.0.1:70000", ":1"])
def test_a_health_check_needs_an_address(interject: Callable[..., Outcome], health: str) -> None:
    outcome = interject("livekit", "start", *ACCESS, "--health", health)
    assert outcome.code == 2
    assert "give host:port" in outcome.err


def test_a_port_for_figures_must_be_free(interject: Callable[..., Outcome]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = interject("livekit", "start", *ACCESS, "--metrics-port", port)
    assert outcome.code == 2
    assert f"--metrics-port {port}: cannot be used on 127.0.0.1" in outcome.err
    outcome = interject("livekit", "start", *ACCESS, "--metrics-port", "0")
    assert outcome.code == 2
    assert "a port lies between 1 and 65535" in outcome.err


def test_the_commands_name_their_options(interject: Callable[..., Outcome]) -> None:
    for command in ("join", "start", "dev", "connect"):
        outcome = interject("livekit", command, "--help")
        assert outcome.code == 0
        assert "--api-secret" in outcome.out
