"""What an answer asks for, and what an operator is told where there is none."""

from __future__ import annotations

import socket
import ssl
from contextlib import closing

import httpx
import pytest

from interject.integrations.web.webhook_endpoint import WebhookEndpoint, failure_in_words
from tests.fakes.clock import FakeClock
from tests.integrations.web.served import served
from tests.integrations.web.test_webhook import Receiver

NOW = 1_700_000_000


def at(url: str) -> WebhookEndpoint:
    return WebhookEndpoint(url, None, attempt_s=1.0, wall_clock=FakeClock(NOW))


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:13:50", 30.0),
        ("Tue, 14 Nov 2000 22:13:50 GMT", 0.0),
        ("Tue, 99 Nov 2023 99:13:50 GMT", 0.0),
        ("soon", 0.0),
        ("-1", 0.0),
    ],
)
async def test_a_server_may_ask_for_seconds_or_until_a_date(said: str, seconds: float) -> None:
    receiver = Receiver(503)
    receiver.retry_after = said
    async with served(receiver.app) as url:
        endpoint = at(f"{url}/hook")
        refusal = await endpoint.post("msg_1", b"{}")
        await endpoint.aclose()
    assert refusal is not None
    assert (refusal.reason, refusal.asked_s) == ("status 503", seconds)


async def test_a_port_that_nobody_listens_at_is_told_in_words() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = at(f"http://127.0.0.1:{taken.getsockname()[1]}/")
        refusal = await endpoint.post("msg_1", b"{}")
        await endpoint.aclose()
    assert refusal is not None
    assert (refusal.reason, refusal.passing) == ("it refuses the connection", True)


def behind(cause: Exception) -> httpx.ConnectError:
    """As httpx has it: what happened stands two errors behind what it raises."""
    error, middle = httpx.ConnectError("all attempts failed"), OSError("all attempts failed")
    middle.__cause__ = ExceptionGroup("", [OSError("other"), cause])
    error.__cause__ = middle
    return error


def test_what_stands_behind_a_failure_is_what_is_told() -> None:
    untrusted = ssl.SSLCertVerificationError()
    untrusted.verify_message = "self-signed certificate"
    assert failure_in_words(behind(untrusted)) == (
        "its certificate is not trusted: self-signed certificate"
    )
    assert failure_in_words(behind(socket.gaierror())) == "no server has this name"
    assert failure_in_words(httpx.ReadTimeout("")) == "no answer in time"
    assert failure_in_words(httpx.RemoteProtocolError("")) == "RemoteProtocolError"
