"""Processes that make a run's material, and end at once with what asked for it."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def leave_signals() -> None:
    """In a process that was forked: the trainer's own handlers came with the fork, and Ctrl-C is
    the trainer's, who ends this one.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def forked_pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Whatever is raised inside does not wait for what its processes are at."""
    others = set(multiprocessing.active_children())
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, fork, leave_signals) as pool:
        try:
            yield pool
        except BaseException:
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise
