"""How several sessions that come back share a device. That it is exact, others test."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import torch

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.restoration import PARTS
from interject.model_runtime.engine.snapshot import SavedSession
from interject.model_runtime.network.backend import TorchBackend
from interject.model_runtime.protocol import SessionOptions
from interject.model_runtime.redis.worker.recovery.restore_pool import ON_DEVICE, restorers
from interject.model_runtime.threads import spare_threads
from tests.model_runtime.engine.engine_room import Room
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.attention import Segment

CONTEXT = 128
WAIT_S = 5.0


class FillingBackend(TorchBackend):
    """Computes a part of a slot for as long as a test wants."""

    late = True

    def __init__(self, *modules: object) -> None:
        super().__init__(*modules)  # type: ignore[arg-type]
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.computing = 0
        self.most_computing = 0
        self.filled: list[int] = []
        self._counting = threading.Lock()

    @property
    def asynchronous(self) -> bool:
        return self.late

    def forward(self, rows: Tensor, segments: Sequence[Segment], wanted: Sequence[int]) -> Tensor:
        if len(wanted):
            return super().forward(rows, segments, wanted)
        with self._counting:
            self.computing += 1
            self.most_computing = max(self.most_computing, self.computing)
            self.filled.append(len(rows))
        self.begun.release()
        assert self.let_go.acquire(timeout=WAIT_S)
        with self._counting:
            self.computing -= 1
        return super().forward(rows, segments, wanted)


class ThreadedBackend(FillingBackend):
    """As on a CPU."""

    late = False


def heard() -> SavedSession:
    room = Room(context=CONTEXT, eviction=Eviction.EXACT)
    room.open("a", threshold=1.0)
    room.hear(2.0)
    return SavedSession(room.engine.snapshot("a"), (), ())


def restore_two(backend: type[FillingBackend]) -> tuple[FillingBackend, list[int]]:
    """At once, in two threads; and of how many parts rows were made before any was filled."""
    engine = Engine(
        small_model(CONTEXT), slots=2, eviction=Eviction.EXACT, restorable=True, backend=backend
    )
    mine, saved = engine._backend, heard()
    assert isinstance(mine, FillingBackend)
    made: list[int] = []
    watching = mine.decoder.embedding.register_forward_hook(lambda *call: made.append(1))
    both = [engine.restore(SessionOptions(name), saved) for name in "ab"]
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(one.run) for one in both]
        assert mine.begun.acquire(timeout=WAIT_S)
        deadline = threading.Event()
        while len(made) < 2 and not deadline.wait(0.01):
            pass
        ahead = list(made)
        for _ in range(2 * PARTS):
            mine.let_go.release()
        for future in done:
            future.result(timeout=WAIT_S)
    watching.remove()
    for one in both:
        assert not one.stream.memory.unfilled
    return mine, ahead


@pytest.mark.timeout(20)
def test_a_device_fills_one_part_at_a_time_and_the_next_is_ready_by_then() -> None:
    """The engine's steps would wait for two; and the device for the host between them."""
    backend, made = restore_two(FillingBackend)
    assert backend.most_computing == 1
    assert len(made) == 2


@pytest.mark.timeout(20)
def test_a_slot_is_filled_in_a_few_parts_that_are_as_large_as_may_be() -> None:
    """After each of them a thread waits for the device."""
    backend, _ = restore_two(FillingBackend)
    rows = sum(backend.filled) // 2
    assert rows > CONTEXT // PARTS
    assert len(backend.filled) == 2 * -(-rows // (CONTEXT // PARTS))


@pytest.mark.timeout(20)
def test_on_a_cpu_each_thread_computes_its_own() -> None:
    backend, _ = restore_two(ThreadedBackend)
    assert backend.most_computing == 2


def test_a_device_has_two_threads_whatever_the_machine_has() -> None:
    assert restorers(torch.device("cuda")) == ON_DEVICE
    assert restorers(torch.device("cpu")) == spare_threads()
