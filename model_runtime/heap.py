"""What a process that answers in real time, and for months, does about its heap."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TRIM_EVERY_S = 10.0
YOUNG_OBJECTS = 5_000
"""Looked at in 2 ms; 50,000 take 25."""
YOUNG_GENERATIONS = 1_000
"""What outlives the first look, such as frames that are kept until they are decided, is left alone
for long: with a thousand sessions open, looking at that takes 100 ms."""


def freeze_heap() -> None:
    """Spare the collector what is there by now, which stays to the end anyway.

    PyTorch brings so many objects that looking at all of them stops a process for 150 ms, every few
    seconds under load. What comes and goes is no garbage either, but Python would look for some
    after every 700 objects. To be called when everything is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_GENERATIONS)


@contextlib.asynccontextmanager
async def trimmed_heap(every_s: float = TRIM_EVERY_S) -> AsyncIterator[None]:
    """Give free memory back to the system now and then: between blocks that stay, such as the sound
    that sessions remember, glibc keeps ever more of what came and went.
    """
    task = asyncio.create_task(_trim_always(every_s), name="trim")
    try:
        yield
    finally:
        task.cancel()


async def _trim_always(every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        await asyncio.to_thread(trim_heap)


def trim_heap() -> None:
    """Takes a few milliseconds, in which other threads may wait for memory."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
