"""What responders did is counted, and stands in a chunk's trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from interject.agent.responder.tools.tool_box import CallOutcome
from interject.agent.responder.watch import AnswerNote, AnswerOutcome
from interject.cli.process.responder_spans import ResponderSpans
from interject.integrations.conversation.responder_metrics import ResponderMetrics
from interject.model_runtime.telemetry.chunk import ChunkName
from interject.model_runtime.telemetry.tracing import SpanName

if TYPE_CHECKING:
    from collections.abc import Mapping


class Recording:
    """A `Tracer` that keeps what it is told."""

    def __init__(self) -> None:
        self.spans: list[tuple[SpanName, ChunkName, int, int, Mapping[str, Any]]] = []

    def record(
        self,
        name: SpanName,
        chunk: ChunkName,
        *,
        start_ns: int,
        end_ns: int,
        attributes: Mapping[str, Any],
    ) -> None:
        self.spans.append((name, chunk, start_ns, end_ns, attributes))

    def close(self) -> None:
        return


def note(outcome: AnswerOutcome, **more: Any) -> AnswerNote:
    return AnswerNote("s", 3, more.pop("at", 1.5), outcome, began_ns=10, ended_ns=90, **more)


def test_waits_outcomes_tokens_cost_and_calls_are_counted_and_timed() -> None:
    registry, tracer = CollectorRegistry(), Recording()
    metrics = ResponderMetrics(registry, ResponderSpans(tracer))
    metrics.asked(left_out=False)
    metrics.answered(
        note(AnswerOutcome.ANSWERED, wait_s=0.25, prompt_tokens=40, completion_tokens=7, cost=0.5)
    )
    metrics.asked(left_out=True)
    metrics.answered(note(AnswerOutcome.LEFT_OUT, at=None))
    metrics.called("order_status", CallOutcome.DONE)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"interject_responder_{name}", labels)

    assert value("answers_total", outcome="answered") == 1
    assert value("answers_total", outcome="left_out") == 1
    assert (value("wait_seconds_count"), value("wait_seconds_sum")) == (1, 0.25)
    assert value("tokens_total", kind="prompt") == 40
    assert value("tokens_total", kind="completion") == 7
    assert value("cost_total") == 0.5
    assert value("tool_calls_total", outcome="done") == 1
    assert value("left_out") == 1
    ((name, chunk, start_ns, end_ns, attributes),) = tracer.spans
    assert (name, chunk) == (SpanName.RESPONDER, ChunkName.of("s", 1.5))
    assert (start_ns, end_ns, attributes["interject.outcome"]) == (10, 90, "answered")
