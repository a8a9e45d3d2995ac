"""A device is warm before its engine is ready, and nothing of that stays."""

from __future__ import annotations

import copy

import pytest
import torch

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.thread import EngineThread
from interject.model_runtime.engine.warm_up import warm_up
from interject.model_runtime.protocol import RuntimeFailure, SessionOptions
from tests.fakes.device import Device
from tests.model_runtime.engine.engine_room import Room, outline
from tests.model_runtime.worlds import small_model


def say_nothing(event: object) -> None:
    del event


class CountingEngine(Engine):
    """Notes how many sessions each step had."""

    def __init__(self, slots: int) -> None:
        super().__init__(small_model(), slots=slots)
        self.steps: list[int] = []

    def step(self) -> bool:
        self.steps.append(len(self.session_ids))
        return super().step()


def test_small_batches_decide_and_reply_as_far_as_there_are_slots() -> None:
    engine = CountingEngine(slots=5)
    warm_up(engine)
    assert sorted(set(engine.steps)) == [1, 2, 4]
    assert all(engine.steps.count(size) >= 4 for size in (1, 2, 4)), "prompt, chunk, reply, end"


def test_what_draws_by_chance_is_loaded_too() -> None:
    engine = Engine(small_model(), slots=1)
    with torch.profiler.profile() as profile:
        warm_up(engine)
    used = {event.name for event in profile.events() or []}
    assert used >= {"aten::sort", "aten::topk", "aten::cumsum", "aten::searchsorted"}


def test_nothing_of_it_is_left() -> None:
    fresh, warm = Room(slots=3), Room(slots=3)
    warm_up(warm.engine)
    assert warm.engine.session_ids == ()
    assert warm.engine.kv_cache.free_slots == 3
    for room in (fresh, warm):
        room.open(threshold=0.3)
        room.hear(2.0)
    assert outline(warm.events["a"]) == outline(fresh.events["a"])
    slots = [room.engine._streams["a"].memory.slot for room in (fresh, warm)]
    assert slots[0] == slots[1]


def test_a_full_engine_is_left_alone() -> None:
    engine = Engine(small_model(), slots=1)
    engine.open(SessionOptions("a"), say_nothing)
    warm_up(engine)
    assert engine.session_ids == ("a",)


def test_a_model_that_computes_nonsense_is_not_ready() -> None:
    model = copy.deepcopy(small_model())
    model.decoder.head.weight.fill_(torch.nan)
    engine = Engine(model, slots=1)
    with pytest.raises(RuntimeFailure, match=r"does not compute on this device: .*not a number"):
        warm_up(engine)
    assert engine.session_ids == ()


def test_a_thread_is_ready_once_its_device_is_warm() -> None:
    engine = CountingEngine(slots=2)
    thread = EngineThread(engine, prepare=warm_up, ended=say_nothing)
    thread.ready.result(30.0)
    assert set(engine.steps) == {1, 2}
    thread.stop()
    thread.join()


def test_a_cpu_is_ready_at_once() -> None:
    engine = CountingEngine(slots=2)
    thread = EngineThread(engine, ended=say_nothing)
    thread.ready.result(30.0)
    thread.stop()
    thread.join()
    assert max(engine.steps, default=0) == 0


def test_a_device_that_fails_when_it_is_warmed_is_told() -> None:
    engine, device = Engine(small_model(), slots=2), Device()
    device.carry(engine)
    device.broken = True
    end: list[Exception | None] = []
    thread = EngineThread(engine, prepare=warm_up, ended=end.append)
    with pytest.raises(RuntimeFailure, match=r"the device failed .an illegal memory access"):
        thread.ready.result(30.0)
    thread.join()
    assert isinstance(end[0], torch.AcceleratorError)
