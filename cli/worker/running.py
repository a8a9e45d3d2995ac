"""Loads the model of a worker and runs it until a signal says stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from interject.model_runtime.heap import freeze_heap, trimmed_heap
from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.telemetry.logs import LogFormat, set_up
from interject.model_runtime.telemetry.serving import worker_telemetry

if TYPE_CHECKING:
    from interject.model_runtime.device_choice import DeviceChoice

logger = logging.getLogger("interject.worker")


async def serve(
    url: str,
    model: str,
    *,
    choice: DeviceChoice,
    slots: int | None,
    eviction: str,
    name: str,
    retention_s: float,
    wait_s: float,
    telemetry: str | None,
    log_format: LogFormat,
) -> None:
    """Ends without an error on SIGTERM and Ctrl-C, once every session was handed over.

    `telemetry` is the address of metrics and probes, or `off`.
    """
    set_up(sys.stderr, log_format)
    try:
        from interject.model_runtime.engine.ledger import Eviction
        from interject.model_runtime.loading import plan_model
        from interject.model_runtime.redis.timings import Timings
        from interject.model_runtime.redis.worker.worker import Worker
    except ModuleNotFoundError as error:
        raise RuntimeFailure(
            f"a worker needs {error.name}: pip install 'interject[runtime,redis]'"
        ) from error
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    how = Eviction[eviction.upper()]
    plan = await asyncio.to_thread(plan_model, model, choice, slots=slots, eviction=how)
    if plan.in_time is not None and plan.slots > plan.in_time:
        logger.warning(
            "more slots than this card was measured to decide for in time",
            extra={"slots": plan.slots, "allowed": plan.in_time},
        )
    async with worker_telemetry(telemetry, slots=plan.slots) as watch:
        loaded = await asyncio.to_thread(plan.load)
        timings = replace(Timings(), retention_s=retention_s, start_s=wait_s)
        with plan.told():
            worker = Worker(
                url,
                loaded,
                name=name,
                slots=plan.slots,
                eviction=how,
                timings=timings,
                observer=watch,
            )
        context = loaded.config.decoder.context
        fields: dict[str, object] = {"worker": name, "slots": plan.slots, "context": context}
        if plan.resolved.card is not None:
            fields["device"] = plan.resolved.note
        freeze_heap()
        async with trimmed_heap():
            await worker.run(stop, lambda: logger.info("ready", extra=fields))
    logger.info("stopped", extra=fields)
