"""One thread owns the engine; whoever waits for it is answered, whatever happens."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.thread import EngineThread
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)
from tests.fakes.device import Device
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from interject.model_runtime.protocol import Event

WAIT_S = 60.0
FRAME = frames(noise(0.4))[0]


class World:
    """An engine of two slots in its thread."""

    def __init__(self) -> None:
        self.engine = Engine(small_model(), slots=2)
        self.device = Device()
        self.device.carry(self.engine)
        self.end: list[Exception | None] = []
        self.thread = EngineThread(self.engine, ended=self.end.append)

    def open(self, name: str) -> list[Event]:
        events: list[Event] = []
        self.thread.ask(lambda: self.engine.open(SessionOptions(name), events.append)).result()
        return events

    def hold(self) -> threading.Event:
        """What follows is in the inbox before any of it is done."""
        go_on = threading.Event()
        self.thread.put(lambda: go_on.wait(WAIT_S))
        return go_on


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.thread.stop()
    made.thread.join()


def refusal(answer: Future[Any]) -> str:
    error = answer.exception(WAIT_S)
    assert isinstance(error, RuntimeFailure)
    return str(error)


def broken() -> None:
    raise RuntimeError("probability tensor contains either inf, nan or element < 0")


def test_what_fails_for_one_is_told_to_that_one(world: World) -> None:
    answer = world.thread.ask(broken)
    assert refusal(answer) == "the session failed (RuntimeError); see the log"
    assert world.thread.ask(lambda: 7).result(WAIT_S) == 7
    assert world.end == []


def test_what_nobody_waits_for_any_more_is_not_done(world: World) -> None:
    done: list[int] = []
    go_on = world.hold()
    first, second = (world.thread.ask(partial(done.append, number)) for number in (1, 2))
    assert first.cancel()
    go_on.set()
    second.result(WAIT_S)
    assert done == [2]
    with pytest.raises(CancelledError):
        first.result()


def test_a_fault_of_the_engine_ends_it_and_answers_everybody(world: World) -> None:
    go_on = world.hold()
    asked: list[Future[Any]] = [
        world.thread.put(broken),
        world.thread.ask(lambda: 7),
        world.thread.put(lambda: 8),
    ]
    go_on.set()
    world.thread.join()
    assert [refusal(answer) for answer in asked] == [
        "the engine failed; see the log",
        "the runtime has stopped; open a new one",
        "the runtime has stopped; open a new one",
    ]
    assert isinstance(world.end[0], RuntimeError)
    with pytest.raises(SessionClosed):
        world.thread.ask(lambda: 7)


def test_stopping_answers_those_who_came_too_late(world: World) -> None:
    go_on = world.hold()
    first = world.thread.ask(lambda: 7)
    world.thread.stop()
    late = world.thread.ask(lambda: 8)
    go_on.set()
    world.thread.join()
    assert first.result() == 7
    assert refusal(late) == "the runtime has stopped; open a new one"
    assert world.end == [None]


def test_whoever_stops_waiting_until_it_is_ready_does_not_end_it() -> None:
    warm = threading.Event()
    end: list[Exception | None] = []

    def warm_up(_: Engine) -> None:
        assert warm.wait(WAIT_S)

    thread = EngineThread(Engine(small_model(), slots=1), prepare=warm_up, ended=end.append)
    assert not thread.ready.cancel()
    warm.set()
    assert thread.ask(lambda: 7).result(WAIT_S) == 7
    thread.stop()
    thread.join()
    assert end == [None]


def test_a_device_that_fails_ends_everybody_in_the_next_step(world: World) -> None:
    world.open("a")
    world.device.broken = True
    world.thread.put(lambda: world.engine.push("a", FRAME))
    world.thread.join()
    assert type(world.end[0]).__name__ == "AcceleratorError"


def test_a_session_is_told_of_its_end_by_a_device_that_fails(world: World) -> None:
    def break_and_close() -> None:
        world.device.broken = True
        world.engine.close("a", CloseReason.FAILURE, "all is lost")

    events = world.open("a")
    world.thread.put(break_and_close).result(WAIT_S)
    assert events == [Closed("a", CloseReason.FAILURE, "all is lost")]
    assert world.engine.session_ids == ()
    assert world.engine.kv_cache.free_slots == 1
