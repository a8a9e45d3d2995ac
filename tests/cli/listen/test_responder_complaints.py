"""Whoever sits at the terminal reads why a draft was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.responder.circuit_breaker import CircuitBreaker
from interject.cli.listen.responder_complaints import responder_complaints

if TYPE_CHECKING:
    import pytest


def test_why_a_draft_was_said_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    breaker = CircuitBreaker()
    with responder_complaints():
        breaker.failed("it answered 404")
        breaker.failed("it answered 404")
    said = "The responder gave no answer: a reply is said as it was drafted"
    assert capsys.readouterr().err == f"interject: note: {said} reason=it answered 404\n"
