"""What a process gives back of the memory that it no longer uses."""

from __future__ import annotations

import ctypes

import psutil
import pytest

from interject.model_runtime.heap import trimmed_heap
from tests.waiting import until

MIB = 1 << 20
BLOCK_BYTES = 1_000


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc keeps it")
async def test_free_memory_between_blocks_that_stay_goes_back_to_the_system() -> None:
    process = psutil.Process()
    blocks = [bytes(BLOCK_BYTES) for _ in range(128 * MIB // BLOCK_BYTES)]
    stay = blocks[::64]
    del blocks
    before = process.memory_info().rss
    async with trimmed_heap(every_s=0.01):
        await until(lambda: process.memory_info().rss < before - 32 * MIB)
    assert stay
