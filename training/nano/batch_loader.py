"""Batches, made by processes of their own while the model trains.

Each makes streams one by one, whichever comes next. Their sound goes through memory that all share,
since it would keep one reader of pipes busy: a card takes hundreds of megabytes of it a second.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import queue
from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import torch

from interject.training.nano.batch import PaddedBatch, StreamRow, collate
from interject.training.nano.forked_pool import leave_signals

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

    from interject.model_runtime.network.architecture import FeatureConfig
    from interject.training.nano.batch_maker import BatchMaker, Order

_ALIVE_CHECK_S = 2.0
_END_S = 5.0
_SAMPLE_BYTES = 2
_Task = tuple[int, "Order", int]
"""The number of an order, the order, a row."""
_Made = tuple[int, int, StreamRow]


def usable_cores() -> int:
    return len(os.sched_getaffinity(0))


class SharedSound:
    """Memory for the sound of the orders in the works, seen by all processes that are forked."""

    def __init__(self, orders: int, order_bytes: int) -> None:
        self._orders, self._order_bytes = orders, order_bytes
        self._memory = mmap.mmap(-1, orders * order_bytes)

    def of(self, number: int, order: Order) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
        """[streams, samples] of an order; one `orders` later takes the same place.

        :raises ValueError: when the order is larger than any that was announced.
        """
        size = order.streams * order.samples
        if size * _SAMPLE_BYTES > self._order_bytes:
            raise ValueError(f"{order} does not fit in {self._order_bytes} bytes")
        start = number % self._orders * self._order_bytes
        flat = np.frombuffer(self._memory, np.int16, size, start)
        return flat.reshape(order.streams, order.samples)


def _serve(maker: BatchMaker, sound: SharedSound, tasks: Queue[_Task], made: Queue[_Made]) -> None:
    leave_signals()
    torch.set_num_threads(1)
    trainer = multiprocessing.parent_process()
    while trainer is None or trainer.is_alive():
        try:
            number, order, row = tasks.get(timeout=_ALIVE_CHECK_S)
        except queue.Empty:
            continue
        stream, pcm = maker.stream(order, row)
        sound.of(number, order)[row] = pcm
        made.put((number, row, stream))


class BatchLoader:
    """Keeps `ahead` orders in the works; ends with its trainer, or when it is closed.

    To be made before anybody asks CUDA anything: it forks. `largest` are the orders that may come.
    """

    def __init__(
        self, maker: BatchMaker, *largest: Order, processes: int = 1, ahead: int = 3
    ) -> None:
        context = multiprocessing.get_context("fork")
        self.ahead = ahead
        most = max(order.streams * order.samples for order in largest)
        self._sound = SharedSound(ahead, most * _SAMPLE_BYTES)
        self._tasks: Queue[_Task] = context.Queue()
        self._made: Queue[_Made] = context.Queue()
        self._numbers, self._ordered = count(), dict[int, "Order"]()
        self._rows: dict[int, dict[int, StreamRow]] = defaultdict(dict)
        self._processes = [
            context.Process(
                target=_serve, args=(maker, self._sound, self._tasks, self._made), daemon=True
            )
            for _ in range(processes)
        ]
        for process in self._processes:
            process.start()

    def order(self, order: Order) -> None:
        """At most `ahead` before they are taken: a further one would overwrite the oldest."""
        if len(self._ordered) >= self.ahead:
            raise ValueError(f"{self.ahead} orders are in the works: take one first")
        number = next(self._numbers)
        self._ordered[number] = order
        for row in range(order.streams):
            self._tasks.put((number, order, row))

    def take(self, config: FeatureConfig, device: torch.device) -> PaddedBatch:
        """The oldest order, on a device. Waits as long as all processes live: on a busy machine a
        batch can take minutes.

        :raises queue.Empty: when a process has ended.
        """
        number, order = next(iter(self._ordered.items()))
        rows = self._rows[number]
        while len(rows) < order.streams:
            made_for, row, stream = self._next()
            self._rows[made_for][row] = stream
        sound = torch.empty(
            order.streams, order.samples, dtype=torch.int16, pin_memory=device.type == "cuda"
        )
        sound.numpy()[:] = self._sound.of(number, order)
        del self._ordered[number], self._rows[number]
        return collate([rows[row] for row in range(order.streams)], sound, config, device)

    def _next(self) -> _Made:
        while True:
            try:
                return self._made.get(timeout=_ALIVE_CHECK_S)
            except queue.Empty:
                if not all(process.is_alive() for process in self._processes):
                    raise

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(_END_S)
            if process.is_alive():
                process.kill()
                process.join()
