from __future__ import annotations

from interject.model_runtime.redis.round_robin import LEAST_A_TURN, RoundRobin
from tests.fakes.clock import FakeClock


def test_everybody_has_a_turn_within_a_round() -> None:
    clock = FakeClock()
    turns = RoundRobin(0.25, clock)
    keys = [str(number) for number in range(1_000)]
    seen: list[str] = []
    for _ in range(10):
        clock.advance(0.025)
        turn = turns.turn(keys)
        assert len(turn) <= 101
        seen += turn
    assert seen == keys


def test_few_have_a_turn_every_time() -> None:
    turns = RoundRobin(0.25, FakeClock())
    keys = ["a", "b", "c"]
    assert [turns.turn(keys) for _ in range(3)] == [keys] * 3


def test_a_late_turn_takes_all_and_nobody_is_no_trouble() -> None:
    clock = FakeClock()
    turns = RoundRobin(0.25, clock)
    clock.advance(60.0)
    keys = [str(number) for number in range(10 * LEAST_A_TURN)]
    assert turns.turn(keys) == keys
    assert turns.turn([]) == []


def test_nobody_waits_for_those_who_have_gone() -> None:
    clock = FakeClock()
    turns = RoundRobin(0.25, clock)
    many = [str(number) for number in range(1_000)]
    clock.advance(0.01)
    first = turns.turn(many)
    few = many[-3:]
    seen: list[str] = []
    for _ in range(2):
        clock.advance(0.25)
        seen += turns.turn(few)
    assert not set(first) & set(few)
    assert set(seen) == set(few)
