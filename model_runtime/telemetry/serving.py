"""Telemetry of a process, from its start to its end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.telemetry.address import ANY_PORT, DEFAULT_ADDRESS, OFF
from interject.model_runtime.telemetry.client_watch import WatchedRuntime
from interject.model_runtime.telemetry.health import Health, Stage
from interject.model_runtime.telemetry.tracing import Tracer, open_tracer
from interject.model_runtime.telemetry.worker_watch import NoObserver, WorkerWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from prometheus_client import CollectorRegistry

    from interject.model_runtime.protocol import Runtime
    from interject.model_runtime.telemetry.server import TelemetryServer
    from interject.model_runtime.telemetry.worker_watch import WorkerObserver

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MediaTelemetry:
    """`port` is where metrics are served, None where they are not. What else the process counts
    goes into `registry`, what else it times to `tracer`.
    """

    runtime: WatchedRuntime
    port: int | None
    registry: CollectorRegistry
    tracer: Tracer


@asynccontextmanager
async def worker_telemetry(address: str | None, *, slots: int) -> AsyncIterator[WorkerObserver]:
    """The observer for a worker; its figures are at `http://{address}/metrics`, or `off`.

    Without an address it is the default one, or a free port where that is taken; then a missing
    package is a warning only.

    :raises RuntimeFailure: when a named address cannot be used, or needs a package.
    """
    try:
        from prometheus_client import CollectorRegistry

        from interject.model_runtime.telemetry.metrics import WorkerMetrics
    except ModuleNotFoundError as error:
        if address not in (None, OFF):
            raise _missing(error) from error
        logger.warning("no metrics: a package is missing", extra={"reason": error.name})
        yield NoObserver()
        return
    registry, health = CollectorRegistry(), Health()
    tracer = open_tracer("interject-worker")
    watch = WorkerWatch(WorkerMetrics(registry), health, slots=slots, tracer=tracer)
    async with _served(address, registry, health, tracer):
        yield watch


@asynccontextmanager
async def media_telemetry(address: str | None, runtime: Runtime) -> AsyncIterator[MediaTelemetry]:
    """A runtime that is watched; the figures are at `http://{address}/metrics`, or `off`.

    Without an address it is the default one, or a free port where that is taken.

    :raises RuntimeFailure: when the address cannot be used, or a package is missing.
    """
    try:
        from prometheus_client import CollectorRegistry

        from interject.model_runtime.telemetry.metrics import MediaMetrics
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    registry, health = CollectorRegistry(), Health()
    health.stage = Stage.READY
    tracer = open_tracer("interject-media")
    watched = WatchedRuntime(runtime, MediaMetrics(registry), tracer=tracer)
    async with _served(address, registry, health, tracer) as port:
        yield MediaTelemetry(watched, port, registry, tracer)


@asynccontextmanager
async def _served(
    address: str | None, registry: CollectorRegistry, health: Health, tracer: Tracer
) -> AsyncIterator[int | None]:
    server = None if address == OFF else _listen(address, registry, health)
    beating = asyncio.create_task(health.keep_beating(), name="telemetry-beat")
    if server is not None:
        server.start()
        logger.info("metrics and probes are served", extra={"port": server.port})
    try:
        yield None if server is None else server.port
    finally:
        beating.cancel()
        if server is not None:
            await asyncio.to_thread(server.stop)
        await asyncio.to_thread(tracer.close)


def _listen(address: str | None, registry: CollectorRegistry, health: Health) -> TelemetryServer:
    from interject.model_runtime.telemetry.server import TelemetryServer

    if address is not None:
        return TelemetryServer(address, registry, health)
    try:
        return TelemetryServer(DEFAULT_ADDRESS, registry, health)
    except RuntimeFailure:
        return TelemetryServer(ANY_PORT, registry, health)


def _missing(error: ModuleNotFoundError) -> RuntimeFailure:
    return RuntimeFailure(f"metrics need {error.name}: pip install 'interject[telemetry]'")
