"""Sessions through Redis to worker processes on the card, which the other sections have left."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from benchmarks.gpu import through_redis
from benchmarks.gpu.budget import say
from benchmarks.gpu.run import RECOVERY_S, ROOM_S, WORKER_S
from benchmarks.gpu.subject import LEAST_CONTEXT, SMALL_CONTEXT, fits_twice
from benchmarks.servers import Fleet

if TYPE_CHECKING:
    from benchmarks.gpu.run import Run
    from interject.model_runtime.checkpoint import Model


def worker_plan(run: Run, model: Model) -> through_redis.WorkerPlan | None:
    """For the largest load for which two workers have room, with slots as large as may be."""
    most = model.config.decoder.context
    contexts = (most, *(one for one in (SMALL_CONTEXT, LEAST_CONTEXT) if one < most))
    for slots in sorted(run.redis_sessions, reverse=True):
        for context in contexts:
            if fits_twice(model.with_context(context), slots):
                return through_redis.WorkerPlan(
                    slots, context, run.arguments.kv_cache_dtype, "exact", run.tiny
                )
    return None


def measure_redis(run: Run, plan: through_redis.WorkerPlan) -> None:
    """What a decision takes on the whole way, then what a killed worker costs."""
    seconds, rows = run.arguments.seconds, list[list[str]]()
    slots = f"Slots of {plan.context} positions, {plan.eviction}."
    if not run.budget.allows("a worker behind Redis", WORKER_S + ROOM_S + seconds):
        return
    with Fleet() as fleet, run.budget.ending(fleet.kill):
        begun = time.perf_counter()
        fleet.add(*plan.words(fleet.url, "first"), ready=through_redis.READY)
        say(f"a worker process took {time.perf_counter() - begun:.1f} s to be ready")
        for sessions in run.redis_sessions:
            if sessions > plan.slots:
                run.notes.append(f"Two workers for {sessions} sessions do not fit on this card.")
            elif run.budget.allows(f"{sessions} sessions through Redis", ROOM_S + seconds):
                rows.append(asyncio.run(through_redis.row(fleet, sessions, seconds)))
                say(" | ".join(rows[-1]))
        rows.sort(key=lambda row: int(row[0]))
        run.keep("gpu_redis", through_redis.COLUMNS, rows, through_redis.NOTE, slots)
        if run.budget.allows("kill -9 of a worker", WORKER_S + RECOVERY_S):
            row = asyncio.run(through_redis.kill_row(fleet, plan, plan.slots, seconds))
            run.keep("gpu_kill", through_redis.KILL_COLUMNS, [row], through_redis.KILL_NOTE, slots)
