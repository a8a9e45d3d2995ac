"""When streams are read warily, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.redis.sieve import WARY_AT_FIRST_S, WARY_S, Sieve, up_to
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from interject.model_runtime.redis.connection import Command, Word
    from interject.model_runtime.redis.streams import Entries

PLACES = {"p:in:a": "1-1", "p:in:b": "2-2", "p:in:c": "3-3"}
OVERSIZE = [b"p:in:a", [[b"1-2", [b"v", b"2", b"k", b"oversize"]]]]
FINE = [b"p:in:b", [[b"2-3", [b"v", b"2", b"k", b"frame"]]]]


def streams(question: Command) -> list[Word]:
    """In order, and that each is read from its place."""
    found = [word for word in question if str(word) in PLACES]
    assert [PLACES[str(key)] for key in found] == list(question[-len(found) :])
    return found


def test_it_is_wary_at_first_and_for_a_moment_after_each_lost_answer() -> None:
    clock = FakeClock()
    sieve = Sieve(clock)
    assert sieve.question(PLACES, count=8)[0] == "EVAL"
    clock.advance(WARY_AT_FIRST_S)
    assert sieve.question(PLACES, count=8)[0] == "XREAD"
    sieve.beware()
    assert sieve.question(PLACES, count=8)[0] == "EVAL"
    clock.advance(WARY_AT_FIRST_S)
    assert sieve.question(PLACES, count=8)[0] == "XREAD"


def test_it_stays_wary_while_oversize_entries_are_found() -> None:
    clock = FakeClock()
    sieve = Sieve(clock)
    assert [key for key, _ in sieve.entries([OVERSIZE, FINE])] == ["a", "b"]
    clock.advance(WARY_S - 1)
    sieve.beware()
    assert sieve.question(PLACES, count=8)[0] == "EVAL"
    assert [key for key, _ in sieve.entries([FINE])] == ["b"]
    clock.advance(1)
    assert list(sieve.entries(None)) == []
    assert sieve.question(PLACES, count=8)[0] == "XREAD"


def test_a_stream_with_oversize_entries_keeps_no_other_waiting() -> None:
    sieve = Sieve(FakeClock())
    assert streams(sieve.question(PLACES, count=8)) == ["p:in:a", "p:in:b", "p:in:c"]
    list(sieve.entries([OVERSIZE, FINE]))
    assert streams(sieve.question(PLACES, count=8)) == ["p:in:b", "p:in:c", "p:in:a"]
    list(sieve.entries([[b"p:in:a", FINE[1]]]))
    assert streams(sieve.question(PLACES, count=8)) == ["p:in:a", "p:in:b", "p:in:c"]


def test_entries_up_to_one_are_compared_as_numbers() -> None:
    entries: Entries = [(entry, {}) for entry in ("1-9", "1-10", "2-1", "10-0")]
    assert [entry for entry, _ in up_to([*entries], "2-1")] == ["1-9", "1-10", "2-1"]
