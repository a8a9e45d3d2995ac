"""What responders do, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.responder.tools.tool_box import CallOutcome
    from interject.agent.responder.watch import AnswerNote

WAIT_BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0, 5.0, 10.0)


class ResponderMetrics:
    """The `ResponderWatch` of a process. No label holds a tool's name or a word. `also` is told of
    each answer as well.
    """

    def __init__(
        self,
        registry: CollectorRegistry = REGISTRY,
        also: Callable[[AnswerNote], None] = lambda note: None,
    ) -> None:
        self._also = also
        self._answers = Counter(
            "interject_responder_answers",
            "Replies that were the responder's to answer, by outcome (answered, broken_off, cut; "
            "after late, failed, empty and left_out the draft is said).",
            ["outcome"],
            registry=registry,
        )
        self._wait_s = Histogram(
            "interject_responder_wait_seconds",
            "From asking the responder to its first word.",
            buckets=WAIT_BUCKETS_S,
            registry=registry,
        )
        self._tokens = Counter(
            "interject_responder_tokens",
            "Tokens that its endpoint counted, by kind (prompt or completion).",
            ["kind"],
            registry=registry,
        )
        self._cost = Counter(
            "interject_responder_cost",
            "What they cost at the profile's price, in its currency.",
            registry=registry,
        )
        self._calls = Counter(
            "interject_responder_tool_calls",
            "Calls of tools, by outcome (done, unknown, refused, invalid, late, failed).",
            ["outcome"],
            registry=registry,
        )
        self._left_out = Gauge(
            "interject_responder_left_out",
            "1 while the responder is left out since it failed too often, else 0.",
            multiprocess_mode="max",
            registry=registry,
        )

    def answered(self, note: AnswerNote) -> None:
        self._answers.labels(note.outcome.value).inc()
        if note.wait_s is not None:
            self._wait_s.observe(note.wait_s)
        self._tokens.labels("prompt").inc(note.prompt_tokens)
        self._tokens.labels("completion").inc(note.completion_tokens)
        self._cost.inc(note.cost)
        self._also(note)

    def called(self, tool: str, outcome: CallOutcome) -> None:
        self._calls.labels(outcome.value).inc()

    def asked(self, *, left_out: bool) -> None:
        self._left_out.set(left_out)
