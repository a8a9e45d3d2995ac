"""Makes streams ready for a shard, in this process or in several others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import connection, forkserver, resource_tracker
from typing import TYPE_CHECKING

from interject.agent.sound_file import as_flac
from interject.training.dataset.problem import DatasetError
from interject.training.dataset.stream_item import as_item
from interject.training.dataset.tally import Tally
from interject.training.streams.problem import BadStream
from interject.training.streams.stream_source import DiscardedStream, StreamSource

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from interject.training.dataset.build_watch import BuildWatch

AHEAD = 4
"""Streams in the works for each process: bounds the memory, and hides the longest ones."""
MOST_LOSSES = 3
"""Pools that may break one after the other with nothing made in between."""
PAUSE_S = 0.3
"""Whoever was killed may not have ended yet, and would be asked once more."""
ORPHANED = 1


@dataclass(frozen=True, slots=True)
class MadeStream:
    """As it goes into a tar. One that was discarded has no id, only its tally."""

    number: int
    tally: Tally
    stream_id: str = ""
    flac: bytes = field(default=b"", repr=False)
    item: bytes = field(default=b"", repr=False)


def make_one(source: StreamSource, number: int, seed: int) -> MadeStream:
    """:raises DatasetError: when the source makes what no stream can be."""
    try:
        stream = source.make(number, seed)
        item = as_item(stream, f"{stream.stream_id}.flac")
    except DiscardedStream as exc:
        return MadeStream(number, Tally.discard(str(exc)))
    except BadStream as exc:
        raise DatasetError(f"stream {number} of seed {seed}: {exc}") from exc
    text = item.model_dump_json(exclude_defaults=True)
    return MadeStream(
        number, Tally.of(stream), stream.stream_id, as_flac(stream.sound), text.encode()
    )


def made_in_order(
    source: StreamSource,
    numbers: Iterable[int],
    seed: int,
    *,
    workers: int,
    watch: BuildWatch,
) -> Generator[MadeStream, None, None]:
    """One after the other, by as many processes as `workers` says; none beside this one with 1.

    A process that is killed is told, and replaced: what it was making is made again.

    :raises DatasetError: when the source makes what is no stream, or nothing survives any more.
    """
    if workers == 1:
        yield from (make_one(source, number, seed) for number in numbers)
        return
    waiting, losses = iter(numbers), 0
    pending: deque[int] = deque(islice(waiting, AHEAD * workers))
    while pending:
        try:
            for made in _by_pool(source, pending, waiting, seed, workers):
                losses = 0
                yield made
        except BrokenProcessPool as exc:
            if watch.is_stopped():  # The signal went to all of them.
                return
            losses += 1
            if losses >= MOST_LOSSES:
                raise DatasetError(
                    f"worker processes were killed {losses} times while they made streams "
                    f"{pending[0]} to {pending[-1]} (is there too little memory? try --workers 1)"
                ) from exc
            watch.told("a worker process was killed; another takes its place")
            time.sleep(PAUSE_S)


def _by_pool(
    source: StreamSource, pending: deque[int], waiting: Iterator[int], seed: int, workers: int
) -> Iterator[MadeStream]:
    """`pending` holds at any time what was not yielded yet of what was begun."""
    _begin_server()
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("forkserver"), _begin, (source, seed)
    )
    try:
        futures: deque[Future[MadeStream]] = deque(_submitted(pool, n) for n in pending)
        while futures:
            made = futures.popleft().result()
            pending.popleft()
            for number in islice(waiting, 1):
                pending.append(number)
                futures.append(_submitted(pool, number))
            yield made
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submitted(pool: Executor, number: int) -> Future[MadeStream]:
    """Submitting may start a worker: then it is the server that was killed.

    :raises BrokenProcessPool: as where a worker was.
    """
    try:
        return pool.submit(_make, number)
    except (EOFError, ConnectionError) as exc:
        raise BrokenProcessPool("the server that forks workers is gone") from exc


def _begin_server() -> None:
    """What forks the workers, and they with it, never gets the Ctrl-C of a terminal: it would come
    while they still import.
    """
    resource_tracker.ensure_running()  # It would unblock the signal.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(slots=True)
class _Task:
    """What a worker process makes; set once, when it begins."""

    source: StreamSource | None = None
    seed: int = 0


_TASK = _Task()


def _begin(source: StreamSource, seed: int) -> None:
    """Ctrl-C goes to all processes of a terminal; only the first one answers it. What it was
    making for one that was killed, nobody waits for.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _TASK.source, _TASK.seed = source, seed
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(ORPHANED)


def _make(number: int) -> MadeStream:
    assert _TASK.source is not None, "the pool begins every worker"
    return make_one(_TASK.source, number, _TASK.seed)
