"""How fast sessions of a worker that is gone come back: their slots are filled anew."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchmarks.gpu.crowd import fill_slots, open_sessions
from interject.model_runtime.engine.snapshot import SavedSession
from interject.model_runtime.redis.worker.recovery.restore_pool import restorers

if TYPE_CHECKING:
    from interject.model_runtime.engine.engine import Engine
    from interject.model_runtime.engine.restoration import Restoration

COLUMNS = ["sessions", "positions a session", "seconds", "rows/s", "512 such sessions, s"]
NOTE = (
    "From snapshots in memory, in as many threads as a worker has, beside an engine that is idle; "
    "spans as in service. The last column is arithmetic."
)


def row(engine: Engine, sessions: int) -> list[str]:
    """Of an engine without sessions."""
    streams = open_sessions(engine, sessions)
    fill_slots(engine, streams)
    names = [stream.name for stream in streams]
    options = {stream.name: stream.options for stream in streams}
    saved = {name: SavedSession(engine.snapshot(name), (), ()) for name in names}
    for name in names:
        engine.abandon(name)
    restorations = [engine.restore(options[name], saved[name]) for name in names]
    warm, *measured = restorations
    threads = restorers(engine.model.device)
    _run([warm], threads)
    begun = time.perf_counter()
    _run(measured, threads)
    seconds = time.perf_counter() - begun
    rows = sum(engine.kv_cache.lengths[one.stream.memory.slot] for one in measured)
    for restoration in restorations:
        engine.discard(restoration)
    each = rows / len(measured)
    return [
        str(len(measured)),
        f"{each:.0f}",
        f"{seconds:.2f}",
        f"{rows / seconds:,.0f}",
        f"{512 * each * seconds / rows:.1f}",
    ]


def _run(restorations: list[Restoration], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(restoration.run) for restoration in restorations]:
            done.result()
