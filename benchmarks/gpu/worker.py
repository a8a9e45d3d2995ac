"""A real worker with the random weights that are measured, in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import signal

import torch

from benchmarks.gpu.subject import tiny_model, true_model, with_slots_of
from benchmarks.gpu.through_redis import READY
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.heap import freeze_heap, trimmed_heap
from interject.model_runtime.redis.worker.worker import Worker


async def serve(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    model = tiny_model() if given.tiny else true_model(torch.device("cuda", 0))
    model = with_slots_of(model, given.kv_cache_dtype).with_context(given.context)
    worker = Worker(
        given.url, model,
        name=given.name, slots=given.slots, eviction=Eviction[given.eviction.upper()],
    )  # fmt: skip
    freeze_heap()
    async with trimmed_heap():
        await worker.run(stop, lambda: print(READY, flush=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--name", required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--kv-cache-dtype", default="auto")
    parser.add_argument("--eviction", default="exact")
    parser.add_argument("--tiny", action="store_true")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
