"""A caller who does the same thing a thousand times fills no disk and hides no other's lines."""

from __future__ import annotations

import logging

from interject.model_runtime.telemetry.repeated_lines import (
    KINDS,
    MOST_ALIKE,
    WITHIN_S,
    RepeatedLines,
)
from tests.fakes.clock import FakeClock


def record(call: str = "CA1", line: int = 7) -> logging.LogRecord:
    made = logging.LogRecord("interject", logging.INFO, "call.py", line, "dropped", None, None)
    made.call = call
    return made


def test_of_a_thousand_lines_alike_a_few_are_shown_and_the_rest_is_counted() -> None:
    clock = FakeClock(100.0)
    repeated = RepeatedLines(clock=clock)
    assert sum(repeated.filter(record()) for _ in range(1_000)) == MOST_ALIKE
    assert repeated.filter(record("CA2"))
    assert repeated.filter(record(line=8))
    clock.advance(WITHIN_S)
    late, later = record(), record()
    assert repeated.filter(late)
    assert repeated.filter(later)
    assert vars(late)["count"] == 1_000 - MOST_ALIKE + 1
    assert "count" not in vars(later)


def test_what_many_calls_did_is_forgotten() -> None:
    repeated = RepeatedLines(clock=FakeClock(100.0))
    assert [repeated.filter(record("first")) for _ in range(MOST_ALIKE + 1)][-1] is False
    assert all(repeated.filter(record(f"CA{number}")) for number in range(KINDS))
    assert repeated.filter(record("first"))
