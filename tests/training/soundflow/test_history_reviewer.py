"""A language model thinks of a question about before, and is held to the published rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.training.dataset.problem import DatasetError
from interject.training.endpoints.chat_endpoint import ChatEndpoint
from interject.training.endpoints.failures import EndpointFailure
from interject.training.endpoints.http_endpoint import HttpEndpoint
from interject.training.endpoints.retry_schedule import RetrySchedule
from interject.training.endpoints.settings import EndpointSettings
from interject.training.soundflow.history_reviewer import ModelReviewer, RuleReviewer
from interject.training.soundflow.recipe import SoundflowSettings, soundflow_source
from tests.fakes.model_server import ModelServer, Scripted, said, serving
from tests.training.soundflow.test_mix_ins import FACT, TURNS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from interject.training.soundflow.history_review import HistoryReview

GOOD = {
    "question": "On which floor do I find it?", "reference_answer": "On level four.",
    "reference_turn_idx": 0, "entity": "level four",
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving(ModelServer([said(json.dumps(GOOD))])) as running:
        yield running


def reviewed_by(server: ModelServer) -> tuple[HistoryReview | None, int]:
    settings = EndpointSettings(base_url=server.url, model="m")
    with HttpEndpoint(settings, schedule=RetrySchedule(())) as endpoint:
        reviewer = ModelReviewer(ChatEndpoint(endpoint), RuleReviewer())
        return reviewer.review(TURNS, np.random.default_rng(1)), reviewer.by_rules


def test_a_good_question_is_taken(server: ModelServer) -> None:
    review, by_rules = reviewed_by(server)
    assert review is not None
    assert (review.question, review.reference_turn_idx, by_rules) == (GOOD["question"], 0, 0)
    asked = server.received[0].json["messages"][1]["content"]
    assert "0. user: I parked on level four. | assistant: Noted." in asked


def test_one_that_breaks_a_rule_is_thought_over(server: ModelServer) -> None:
    server.answers = [said(json.dumps({**GOOD, "reference_turn_idx": 3})), *server.answers]
    review, by_rules = reviewed_by(server)
    assert review is not None
    assert (review.question, by_rules) == (GOOD["question"], 0)
    assert "asks about 1 rounds before" in server.received[1].json["messages"][1]["content"]


@pytest.mark.parametrize(
    "answer",
    [{**GOOD, "entity": "Lisbon"}, {**GOOD, "reference_turn_idx": 99}, {"question": "?"}, "no"],
)
def test_where_it_does_not_manage_rules_ask(server: ModelServer, answer: object) -> None:
    server.answers = [said(json.dumps(answer))]
    review, by_rules = reviewed_by(server)
    assert review is not None
    assert (review.question, by_rules) == (FACT.question, 1)


def test_a_server_that_fails_is_no_reason_for_rules(server: ModelServer) -> None:
    server.answers = [Scripted(status=500)]
    with pytest.raises(EndpointFailure, match="500"):
        reviewed_by(server)


def test_a_recipe_with_a_reviewer_asks_the_server(server: ModelServer, tmp_path: Path) -> None:
    server.answers = [Scripted(status=401)]
    settings = {
        "abilities": {"voice_chat": 1}, "mix_ins": {"history_review": 1},
        "pace": {"rounds": [4, 4]},
        "reviewer": {
            "endpoint": {"base_url": server.url, "model": "m"}, "cache": str(tmp_path / "cache"),
        },
    }  # fmt: skip
    source = soundflow_source(SoundflowSettings.model_validate(settings))
    with pytest.raises(DatasetError, match="refused the key"):
        source.make(0, 1)
    assert server.received
