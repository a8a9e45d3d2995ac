"""A reranker over real HTTP, answering well and badly; the published answers; the score."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from interject.training.endpoints.failures import EndpointFailure
from interject.training.endpoints.http_endpoint import HttpEndpoint
from interject.training.endpoints.retry_schedule import RetrySchedule
from interject.training.endpoints.settings import EndpointSettings
from interject.training.sound_benchmark.answers import read_answers
from interject.training.sound_benchmark.clips import BenchmarkError
from interject.training.sound_benchmark.report import SoundReport, page
from interject.training.sound_benchmark.reranker import Reranker
from interject.training.sound_benchmark.semantic import semantic_scores
from interject.training.sound_benchmark.tiers import Tier
from tests.fakes.model_server import ModelServer, Received, Scripted, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWERS = ["Call the fire brigade.", "Open a window."]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving(ModelServer()) as running:
        yield running


def scored(*rows: dict[str, Any], bare: bool = False) -> Scripted:
    return Scripted(json.dumps(list(rows) if bare else {"results": list(rows)}).encode())


def best(server: ModelServer) -> float:
    settings = EndpointSettings(base_url=server.url, model="m", answer_timeout_s=2.0)
    with HttpEndpoint(settings, schedule=RetrySchedule(pauses_s=(0.0,))) as endpoint:
        return Reranker(endpoint).best("There is a fire.", ANSWERS)


def test_the_best_of_the_answers_counts(server: ModelServer) -> None:
    server.answers = [
        scored({"index": 1, "relevance_score": 0.7}, {"index": 0, "relevance_score": 0.2})
    ]
    assert best(server) == 0.7
    (asked,) = server.received
    assert asked.path == "/v1/rerank"
    assert asked.json == {
        "model": "m", "query": "There is a fire.", "documents": ANSWERS, "top_n": 2,
    }  # fmt: skip


def test_a_server_of_the_other_shape_is_asked_in_its_own_from_then_on(server: ModelServer) -> None:
    def respond(request: Received) -> Scripted:
        if "texts" not in request.json:
            return Scripted(b'{"error": "missing field texts"}', status=422)
        return scored({"index": 0, "score": 0.9}, {"index": 1, "score": 0.1}, bare=True)

    server.respond = respond
    settings = EndpointSettings(base_url=server.url, model="m")
    with HttpEndpoint(settings) as endpoint:
        reranker = Reranker(endpoint)
        assert reranker.best("fire", ANSWERS) == reranker.best("fire", ANSWERS) == 0.9
    assert ["texts" in each.json for each in server.received] == [False, True, True]
    assert server.received[1].json["raw_scores"] is False


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Scripted(b"<html>"), "is no list of scores"),
        (Scripted(b"[[[[" * 20_000), "is no list of scores"),
        (Scripted(b'{"results": null}'), "is no list of scores"),
        (Scripted(b'{"results": ["a", "b"]}'), "is no list of scores"),
        (Scripted(b'[{"index": 0, "score": NaN}, {"index": 1, "score": 0}]'), "is no list of"),
        (scored({"index": 0, "score": "0.9"}, {"index": 1, "score": 0.1}), "is no list of scores"),
        (scored({"index": 0, "score": 0.9}), "does not score each of 2 texts once"),
        (scored({"index": 0, "score": 0.9}, {"index": 7, "score": 0.9}), "each of 2 texts once"),
        (scored(*[{"index": 0, "score": 0.9}] * 2), "each of 2 texts once"),
        (scored({"index": 0, "score": 3.2}, {"index": 1, "score": -1.0}), "told to normalise"),
        (Scripted(status=401), "refused the key (401)"),
        (Scripted(status=404), "answered 404: check base_url"),
        (Scripted(status=503), "answered 503; tried 2 times"),
        (Scripted(b"x" * 100, cut_at=10), "cannot be reached or broke off"),
    ],
)
def test_a_hostile_answer_is_one_clear_line(
    answer: Scripted, told: str, server: ModelServer
) -> None:
    server.answers = [answer]
    with pytest.raises(EndpointFailure) as caught:
        best(server)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_answers_are_a_list_or_lines(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "standard_answers": ["x", "y"], "path": "p"},
        {"id": "b", "standard_answers": ["z"]},
    ]
    path = tmp_path / "answers"
    for text in (json.dumps(rows), "\n".join(map(json.dumps, rows)) + "\n"):
        path.write_text(text)
        assert read_answers(path) == {"a": ("x", "y"), "b": ("z",)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nonsense", "is no JSON list"),
        ('[{"id": "a"}]', "row 1: standard_answers"),
        ('[{"id": "a", "standard_answers": []}]', "row 1: standard_answers"),
        ('[{"id": "a", "standard_answers": ["x"]}, {"id": "a", "standard_answers": ["x"]}]',
         "row 2: the id 'a' is there twice"),
    ],
)  # fmt: skip
def test_bad_answers_name_the_row(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    path.write_text(text)
    with pytest.raises(BenchmarkError) as caught:
        read_answers(path)
    assert told in str(caught.value)


def item(name: str, label: str, outcome: str, semantic: float | None) -> dict[str, Any]:
    return {
        "id": name, "tier": "single", "domain": "Human", "label": label, "outcome": outcome,
        "clips": [name], "chunks": 3, "chunk": None, "most_p_respond": None, "reply": "x",
        "semantic": semantic,
    }  # fmt: skip


def test_a_response_with_other_words_is_wrong_and_silence_is_judged_as_before() -> None:
    items = [
        item("a", "RESPOND", "RESPOND", 0.51),
        item("b", "RESPOND", "RESPOND", 0.5),
        item("c", "IGNORE", "IGNORE", None),
        item("d", "IGNORE", "RESPOND", None),
    ]
    head = {
        "interject": "0", "folder": "f", "runtime": "r", "system_prompt": "", "threshold": 0.5,
        "joined": 2, "seed": 0, "tail_s": 0.4,
    }  # fmt: skip
    read = partial(SoundReport.model_validate_json)
    report = read(json.dumps({**head, "reranker": "bge", "items": items}))
    overall = semantic_scores(report, Tier.SINGLE)[0]
    assert (overall.accuracy.value, overall.respond_recall.value) == (0.5, 0.5)
    assert "With the words that are right, too (`bge`, above 0.5):" in page(report)
    before = read(json.dumps({**head, "items": [{**items[0], "semantic": None}]}))
    assert "With the words" not in page(before)
