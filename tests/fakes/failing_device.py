"""A process whose GPU fails in the middle: it prints what a session is told then.

What a failed device does to a process cannot be undone, so it is one of its own.
"""

from __future__ import annotations

import asyncio
import os
import sys

import torch

from interject.model_runtime import open_runtime
from interject.model_runtime.embedded import EmbeddedRuntime
from interject.model_runtime.protocol import Closed, SessionOptions

BEYOND = 1 << 20


def break_device() -> None:
    """A kernel reads what is not there."""
    there = torch.zeros(1, device="cuda:0")
    there.index_select(0, torch.tensor([BEYOND], device="cuda:0"))
    torch.cuda.synchronize()


async def main() -> None:
    runtime = open_runtime("embedded:nano?device=cuda", slots=2)
    assert isinstance(runtime, EmbeddedRuntime)
    async with runtime:
        session = await runtime.open(SessionOptions("a"))
        runtime._thread.put(break_device)
        last = [event async for event in session.events()][-1]
        assert isinstance(last, Closed)
        sys.stdout.write(last.detail + "\n")
        sys.stdout.flush()
        # Nothing that ends in order is of use with such a device.
        os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
