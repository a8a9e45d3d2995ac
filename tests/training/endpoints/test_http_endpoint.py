from __future__ import annotations

import socket
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from interject.training.endpoints.call_budget import CallBudget
from interject.training.endpoints.failures import BudgetSpent, EndpointFailure
from interject.training.endpoints.http_endpoint import HttpEndpoint, RefusedRequest
from interject.training.endpoints.retry_schedule import RetrySchedule, retry_after_s
from interject.training.endpoints.settings import EndpointSettings
from tests.fakes.model_server import ModelServer, Scripted, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-not-a-real-key"
GOOD = Scripted(b'{"fine": true}')


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving(ModelServer([GOOD])) as running:
        yield running


def endpoint(url: str, pauses: list[float], **options: Any) -> HttpEndpoint:
    limits = {
        name: options.pop(name) for name in list(options) if name.startswith(("answer", "mo"))
    }
    settings = EndpointSettings(base_url=url, model="m", api_key_env="THE_KEY", **limits)
    return HttpEndpoint(
        settings, environment={"THE_KEY": f"{KEY}\n"}, sleep=pauses.append, **options
    )  # fmt: skip


def posted(url: str, **options: Any) -> tuple[bytes, list[float]]:
    pauses: list[float] = []
    with endpoint(url, pauses, **options) as asked:
        return asked.post("x", json={"a": 1}).body, pauses


def test_the_key_comes_from_the_environment_and_travels_in_the_header(server: ModelServer) -> None:
    assert posted(server.url) == (GOOD.body, [])
    assert (server.received[0].path, server.received[0].key) == ("/v1/x", f"Bearer {KEY}")
    assert server.received[0].json == {"a": 1}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server: ModelServer, status: int) -> None:
    server.answers = [Scripted(status=status), Scripted(status=status), GOOD]
    body, pauses = posted(server.url)
    assert body == GOOD.body
    assert [round(pause) for pause in pauses] == [pytest.approx(0.5, abs=0.51), 2]


def test_a_server_that_says_when_is_waited_for(server: ModelServer) -> None:
    server.answers = [Scripted(status=429, headers=(("Retry-After", "17"),)), GOOD]
    assert posted(server.url) == (GOOD.body, [17.0])


def test_a_server_that_wants_an_hour_is_not_waited_for(server: ModelServer) -> None:
    server.answers = [Scripted(status=429, headers=(("Retry-After", "3600"),))]
    with pytest.raises(EndpointFailure, match=r"answered 429 and asks to wait 3600 s; tried once"):
        posted(server.url)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, 0), ("", 0), ("7", 7), (" 7 ", 7), ("-7", 0), ("soon", 0), ("9" * 400, 999_999_999),
     ("\N{SUPERSCRIPT TWO}", 0), (formatdate(1_030, usegmt=True), 30), (formatdate(900), 0),
     ("Thu, 99 Foo 2026 00:00:00 GMT", 0)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float) -> None:
    assert retry_after_s(value, now=1_000.0) == seconds


def test_it_is_given_up_after_as_many_pauses_as_there_are(server: ModelServer) -> None:
    server.answers = [Scripted(b"oh no", status=500)]
    with pytest.raises(EndpointFailure, match="answered 500; tried 3 times"):
        posted(server.url, schedule=RetrySchedule((0.1, 0.1)))
    assert len(server.received) == 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_said_once_and_not_shown(server: ModelServer, status: int) -> None:
    server.answers = [Scripted(f"bad key {KEY}".encode(), status=status)]
    with pytest.raises(RefusedRequest, match="check the environment variable THE_KEY") as failure:
        posted(server.url)
    assert KEY not in str(failure.value)
    assert len(server.received) == 1


def test_what_a_server_says_of_a_refusal_is_one_short_line_without_the_key(
    server: ModelServer,
) -> None:
    server.answers = [Scripted(f"no\n such\x1b[31m {KEY} ".encode() + b"\xff" * 900, status=418)]
    with pytest.raises(RefusedRequest, match="answered 418: no such") as failure:
        posted(server.url)
    text = str(failure.value)
    assert KEY not in text
    assert text.isprintable()
    assert len(text) < 300


def test_a_path_that_is_not_there_names_what_to_check(server: ModelServer) -> None:
    server.answers = [Scripted(status=404)]
    with pytest.raises(RefusedRequest, match="404: check base_url and the model 'm'"):
        posted(server.url)


def test_a_redirect_is_not_followed(server: ModelServer) -> None:
    server.answers = [Scripted(status=307, headers=(("Location", f"{server.url}/elsewhere"),))]
    with pytest.raises(RefusedRequest, match="answered 307"):
        posted(server.url)
    assert len(server.received) == 1


def test_a_connection_that_is_cut_is_tried_again(server: ModelServer) -> None:
    server.answers = [Scripted(b"0123456789", cut_at=4), GOOD]
    body, pauses = posted(server.url)
    assert (body, len(pauses)) == (GOOD.body, 1)


def test_a_body_that_drips_ends_at_the_deadline(server: ModelServer) -> None:
    server.answers = [Scripted(b"x" * 10_000, drip_s=0.02)]
    with pytest.raises(EndpointFailure, match="did not answer in time"):
        posted(server.url, answer_timeout_s=0.15, schedule=RetrySchedule(()))


def test_a_body_without_end_is_cut_off(server: ModelServer) -> None:
    server.answers = [Scripted(b"x" * 2_000_000)]
    with pytest.raises(EndpointFailure, match="sent more than 1000 bytes"):
        posted(server.url, most_answer_bytes=1_000)
    assert len(server.received) == 1


def test_no_server_at_all() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(EndpointFailure, match=r"cannot be reached .*; tried twice|2 times"):
            posted(url, schedule=RetrySchedule((0.1,)))


def test_the_budget_counts_every_attempt(server: ModelServer) -> None:
    server.answers = [Scripted(status=500), GOOD]
    budget = CallBudget(3)
    posted(server.url, budget=budget)
    assert budget.spent == 2
    posted(server.url, budget=budget)
    with pytest.raises(BudgetSpent, match="budget of 3 calls is spent"):
        posted(server.url, budget=budget)
    assert len(server.received) == 3


def test_a_key_that_is_missing_or_no_key_names_its_variable() -> None:
    settings = EndpointSettings(base_url="http://127.0.0.1:1", model="m", api_key_env="THE_KEY")
    with pytest.raises(EndpointFailure, match="variable THE_KEY, which is not set"):
        HttpEndpoint(settings, environment={"THE_KEY": " "})
    with pytest.raises(EndpointFailure, match="THE_KEY holds letters that no key has"):
        HttpEndpoint(settings, environment={"THE_KEY": "sk-\N{EM DASH}\x00"})


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("127.0.0.1:8000/v1", "must begin with http"),
        ("ftp://host/v1", "must begin with http"),
        ("http://", "name a host"),
        ("http://host:99999999/", "is no URL"),
        ("http://[::1/v1", "is no URL"),
        ("http://me:secret@host/v1", "must hold no user name"),
        ("http://host/v1?key=secret", "must hold no user name"),
        ("http://host/v 1", "a URL may not hold"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(url: str, fault: str) -> None:
    with pytest.raises(ValidationError, match=fault) as failure:
        EndpointSettings(base_url=url, model="m")
    assert "secret" not in failure.value.errors(include_input=False, include_url=False)[0]["msg"]
