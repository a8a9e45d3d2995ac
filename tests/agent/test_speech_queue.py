from __future__ import annotations

from dataclasses import dataclass

import pytest

from interject.agent.speech_queue import MAX_WAITING, SpeechQueue


@dataclass(frozen=True)
class Item:
    name: str
    urgent: bool = False


def line(names: str, *, most: int = MAX_WAITING) -> SpeechQueue[Item]:
    """One item a letter; capitals are urgent."""
    waiting: SpeechQueue[Item] = SpeechQueue(most=most)
    for name in names:
        waiting.put(Item(name, urgent=name.isupper()))
    return waiting


def taken(waiting: SpeechQueue[Item]) -> str:
    return "".join(waiting.take().name for _ in range(len(waiting)))


@pytest.mark.parametrize(
    ("put", "order"), [("abc", "abc"), ("aBcD", "BDac"), ("ABC", "ABC"), ("", "")]
)
def test_urgent_ones_come_first_and_each_kind_in_its_order(put: str, order: str) -> None:
    assert taken(line(put)) == order


@pytest.mark.parametrize(
    ("put", "victim", "rest"), [("abc", "a", "bc"), ("aBc", "a", "Bc"), ("ABC", "A", "BC")]
)
def test_the_oldest_that_is_not_urgent_leaves_a_full_line(put: str, victim: str, rest: str) -> None:
    waiting = line(put, most=3)
    leaver = waiting.make_room()
    assert leaver is not None
    assert leaver.name == victim
    assert taken(waiting) == rest


def test_nobody_leaves_a_line_that_is_not_full() -> None:
    waiting = line("ab", most=3)
    assert waiting.make_room() is None
    assert taken(waiting) == "ab"


def test_the_first_can_be_seen_before_it_is_taken() -> None:
    waiting = line("aB")
    assert waiting.first.name == "B"
    assert len(waiting) == 2
    assert waiting.take().name == "B"


def test_nothing_can_be_taken_where_none_waits() -> None:
    waiting = line("")
    assert not waiting
    with pytest.raises(IndexError):
        waiting.take()


def test_a_line_is_bounded_without_being_told() -> None:
    assert line("a" * (MAX_WAITING - 1)).make_room() is None
    assert line("a" * MAX_WAITING).make_room() is not None
