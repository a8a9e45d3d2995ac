"""Delays and kinds of replies: what is counted, and that no line holds a word."""

from __future__ import annotations

import logging

import pytest
from prometheus_client import CollectorRegistry

from interject.agent.floor import Verdict
from interject.integrations.conversation.metrics import ConversationMetrics
from interject.integrations.conversation.reply_log import ReplyLog
from interject.model_runtime.protocol import (
    Cause,
    Emotion,
    EndReason,
    FloorMode,
    ReplyEnded,
    ReplyStarted,
)
from tests.fakes.clock import FakeClock

STARTED = ReplyStarted("s", 1, 7, Emotion.URGENT, Cause.MODEL, FloorMode.SPEAK)
ENDED = ReplyEnded("s", 1, EndReason.COMPLETE, "Marzipan burns.", 4)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_first_sound_is_counted_from_a_reply_that_may_speak_at_once(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = FakeClock()
    log = ReplyLog(ConversationMetrics("test", registry=registry), clock)
    log.started(STARTED, Verdict.SPEAK)
    clock.advance(0.25)
    log.heard()
    log.heard()
    log.started(STARTED, Verdict.WAIT)
    log.heard()
    assert registry.get_sample_value("interject_test_first_sound_seconds_count") == 1
    assert [vars(record)["seconds"] for record in caplog.records] == [0.25]


def test_a_reply_is_counted_by_its_kinds_and_none_of_its_words_is_logged(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    log = ReplyLog(ConversationMetrics("test", registry=registry))
    log.ended(STARTED, ENDED, Verdict.SHOW)
    kinds = {"cause": "model", "verdict": "show", "emotion": "urgent", "end": "complete"}
    assert registry.get_sample_value("interject_test_replies_total", kinds) == 1
    (record,) = caplog.records
    assert vars(record)["chars"] == len(ENDED.text)
    assert "Marzipan" not in str(vars(record))
