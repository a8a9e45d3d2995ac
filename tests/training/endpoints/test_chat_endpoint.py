from __future__ import annotations

import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Protocol

import pytest
from pydantic import Field

from interject.config.strict import StrictModel
from interject.training.endpoints.answer_cache import AnswerCache
from interject.training.endpoints.chat_endpoint import ChatEndpoint, Question
from interject.training.endpoints.failures import EndpointFailure, UnusableAnswer
from interject.training.endpoints.http_endpoint import HttpEndpoint, RefusedRequest
from interject.training.endpoints.retry_schedule import RetrySchedule
from interject.training.endpoints.settings import EndpointSettings
from tests.fakes.model_server import ModelServer, Received, Scripted, said, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class AskedChat(Protocol):
    def __call__(self, cache: AnswerCache | None = None, model: str = "m") -> ChatEndpoint: ...


class Weather(StrictModel):
    sky: Annotated[str, Field(min_length=3)]
    degrees: float


FINE = '{"sky": "blue", "degrees": 21.5}'
QUESTION = Question("You know the weather.", "What is it like?")


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving(ModelServer([said(FINE)])) as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> AnswerCache:
    return AnswerCache(tmp_path / "answers")


@pytest.fixture
def chat(server: ModelServer) -> Iterator[AskedChat]:
    with contextlib.ExitStack() as opened:

        def make(cache: AnswerCache | None = None, model: str = "m") -> ChatEndpoint:
            settings = EndpointSettings(base_url=server.url, model=model, answer_timeout_s=2.0)
            schedule = RetrySchedule((0.01,))
            endpoint = HttpEndpoint(settings, schedule=schedule, sleep=lambda _: None)
            return ChatEndpoint(opened.enter_context(endpoint), cache)

        yield make


def test_the_question_goes_out_with_its_schema_and_temperature(
    chat: AskedChat, server: ModelServer
) -> None:
    assert chat().ask(QUESTION, Weather) == Weather(sky="blue", degrees=21.5)
    sent = server.received[0].json
    assert server.received[0].path == "/v1/chat/completions"
    assert (sent["model"], sent["temperature"]) == ("m", 0.7)
    assert sent["messages"][0] == {"role": "system", "content": QUESTION.role}
    assert sent["messages"][1]["content"].startswith(QUESTION.text)
    wanted = sent["response_format"]
    assert wanted["type"] == "json_schema"
    assert wanted["json_schema"]["strict"] is True
    assert wanted["json_schema"]["schema"]["additionalProperties"] is False
    assert wanted["json_schema"]["schema"]["required"] == ["sky", "degrees"]


@pytest.mark.parametrize("status", [400, 422, 501])
def test_a_server_that_knows_no_schemas_is_asked_without(
    chat: AskedChat, server: ModelServer, status: int
) -> None:
    def respond(request: Received) -> Scripted:
        knows = "response_format" not in request.json
        return said(FINE) if knows else Scripted(b"what is response_format?", status=status)

    server.respond = respond
    asked = chat()
    for _ in range(2):
        assert asked.ask(QUESTION, Weather).sky == "blue"
    assert ["response_format" in request.json for request in server.received] == [
        True, False, False,
    ]  # fmt: skip


def test_a_server_that_refuses_in_any_case_is_quoted(chat: AskedChat, server: ModelServer) -> None:
    server.answers = [Scripted(b"no such model", status=400)]
    with pytest.raises(RefusedRequest, match="answered 400: no such model"):
        chat().ask(QUESTION, Weather)


@pytest.mark.parametrize(
    "text", [f"Sure!\n```json\n{FINE}\n```\nGood luck.", f"Here: {FINE} as you asked.", f"\n{FINE}"]
)
def test_json_is_found_among_words(chat: AskedChat, server: ModelServer, text: str) -> None:
    server.answers = [said(text)]
    assert chat().ask(QUESTION, Weather).degrees == 21.5


@pytest.mark.parametrize(
    "nonsense",
    [
        said("I would rather not."),
        said('{"sky": "blue"}'),
        said('{"sky": "b", "degrees": 3}'),
        said('{"sky": "blue", "degrees": "warm"}'),
        said('{"sky": "blue", "degrees": 3, "wind": 1}'),
        said('{"sky": "blue", "degrees": NaN}'),
        said("[" * 100_000),
        Scripted(b""),
        Scripted(b"<html>welcome</html>", kind="text/html"),
        Scripted(b'{"choices": []}'),
        Scripted(b'{"choices": [{"message": {"content": null}}]}'),
        Scripted(b'{"choices": [{"message": {"content": "\\ud800"}}]}'),
        Scripted(b"[" * 100_000),
    ],
)
def test_nonsense_is_told_to_the_model_and_asked_again(
    chat: AskedChat, server: ModelServer, cache: AnswerCache, nonsense: Scripted
) -> None:
    server.answers = [nonsense, said(FINE)]
    assert chat(cache).ask(QUESTION, Weather).sky == "blue"
    again = server.received[1].json["messages"]
    assert [message["role"] for message in again] == ["system", "user", "assistant", "user"]
    assert again[3]["content"].startswith("That is not valid: ")


def test_nonsense_to_the_end_is_one_line_and_never_cached(
    chat: AskedChat, server: ModelServer, cache: AnswerCache
) -> None:
    server.answers = [said('{"sky": "blue"}')]
    with pytest.raises(
        UnusableAnswer, match="no valid Weather in 3 attempts; the last fault: degrees: Field req"
    ) as failure:
        chat(cache).ask(QUESTION, Weather)
    assert "\n" not in str(failure.value)
    server.answers = [said(FINE)]
    assert chat(cache).ask(QUESTION, Weather).sky == "blue"


def test_an_answer_is_asked_for_once(
    chat: AskedChat, server: ModelServer, cache: AnswerCache
) -> None:
    first = chat(cache).ask(QUESTION, Weather)
    assert chat(cache).ask(QUESTION, Weather) == first
    assert len(server.received) == 1
    chat(cache, model="another").ask(QUESTION, Weather)
    chat(cache).ask(Question(QUESTION.role, "And tomorrow?"), Weather)
    assert len(server.received) == 3


def test_an_answer_that_took_several_attempts_is_cached_for_its_question(
    chat: AskedChat, server: ModelServer, cache: AnswerCache
) -> None:
    server.answers = [said("hm"), said(FINE)]
    chat(cache).ask(QUESTION, Weather)
    chat(cache).ask(QUESTION, Weather)
    assert len(server.received) == 2


def test_the_cache_outlives_a_server_that_fails(
    chat: AskedChat, server: ModelServer, cache: AnswerCache
) -> None:
    chat(cache).ask(QUESTION, Weather)
    server.answers = [Scripted(status=500)]
    assert chat(cache).ask(QUESTION, Weather).sky == "blue"
    with pytest.raises(EndpointFailure, match="answered 500"):
        chat(cache).ask(Question("", "something else"), Weather)


@pytest.mark.parametrize("damage", ["", "{", '{"answer": 3}', '{"answer": "no weather"}', "[]"])
def test_a_damaged_file_of_the_cache_is_written_again(
    chat: AskedChat, server: ModelServer, tmp_path: Path, damage: str
) -> None:
    cache = AnswerCache(tmp_path)
    chat(cache).ask(QUESTION, Weather)
    (stored,) = tmp_path.rglob("*.json")
    stored.write_text(damage)
    chat(cache).ask(QUESTION, Weather)
    chat(cache).ask(QUESTION, Weather)
    assert len(server.received) == 2
    assert json.loads(json.loads(stored.read_text())["answer"]) == json.loads(FINE)
    assert [path for path in tmp_path.rglob("*") if path.suffix == ".part"] == []


def test_threads_share_one(chat: AskedChat, server: ModelServer, cache: AnswerCache) -> None:
    together = threading.Barrier(4)
    asked = chat(cache)

    def ask(number: int) -> str:
        together.wait(10)
        return asked.ask(Question("", f"Number {number}?"), Weather).sky

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == ["blue"] * 4
    assert len(server.received) == 4
