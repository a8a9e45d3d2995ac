"""A process with a model: takes sessions from Redis, decides for them, and writes what it decided.

Reading, writing, the lease and clients' requests have a connection each, so that none waits for
another. A fifth one only shows that this process lives.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from interject.model_runtime.checkpoint import fingerprint
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.connection import ShardConnection
from interject.model_runtime.redis.errors import Handling, handling
from interject.model_runtime.redis.eviction_policy import warn_of_eviction
from interject.model_runtime.redis.node_resolver import NodeResolver
from interject.model_runtime.redis.outage import Outage
from interject.model_runtime.redis.retry import (
    repeat_forever,
    retry_until_deadline,
    suppressed_outage,
)
from interject.model_runtime.redis.sieve import Sieve
from interject.model_runtime.redis.timings import Timings, milliseconds
from interject.model_runtime.redis.worker.engine_host import EngineHost
from interject.model_runtime.redis.worker.handover import Handover
from interject.model_runtime.redis.worker.input_reader import InputReader
from interject.model_runtime.redis.worker.lease_keeper import LeaseKeeper
from interject.model_runtime.redis.worker.membership import FailureDetector, Lease, Liveness
from interject.model_runtime.redis.worker.output_writer import OutputWriter
from interject.model_runtime.redis.worker.placing import Placing
from interject.model_runtime.redis.worker.reconciler import Reconciler
from interject.model_runtime.redis.worker.recovery.acquittal_wait import AcquittalWait
from interject.model_runtime.redis.worker.recovery.adoption import Adoption
from interject.model_runtime.redis.worker.recovery.assignments import Assignments
from interject.model_runtime.redis.worker.session_table import SessionTable
from interject.model_runtime.telemetry.worker_watch import NoObserver
from interject.model_runtime.threads import leave_a_core

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.telemetry.worker_watch import WorkerObserver


class Worker:
    """Owns sessions by lease; `name` stays the same after a restart."""

    def __init__(
        self,
        url: str,
        model: Model,
        *,
        name: str,
        slots: int = 8,
        eviction: Eviction = Eviction.EXACT,
        timings: Timings | None = None,
        observer: WorkerObserver | None = None,
    ) -> None:
        address = Address.parse(url)
        if len(address.shards) > 1:
            raise RuntimeFailure(f"{address.name}: a worker serves one shard; write ?shard=NAME")
        self._timings = timings = timings or Timings()
        self._observer = observer = observer or NoObserver()
        keys = address.keys
        self._resolver = NodeResolver(address, keys)
        self._outage = Outage()
        leave_a_core()
        self._engine = Engine(model, slots=slots, eviction=eviction, restorable=True)
        encoder, made_by = self._engine.prompt_encoder, fingerprint(model)
        self._lease = lease = Lease(
            keys, name=name, slots=slots, tenants=address.tenants, timings=timings
        )
        token = lease.token
        self._liveness = Liveness(keys.alive(token), wait_s=timings.beat_s)
        self._detector = FailureDetector(keys, token=token, liveness=self._liveness)
        self._placing = Placing(keys, lease, timings=timings)
        trial_s = 2 * timings.worker_lease_s
        wait = AcquittalWait(look_s=timings.worker_lease_s / 10)
        assignments = Assignments(keys, token, model=made_by, trial_s=trial_s, wait=wait)
        self._host = host = EngineHost(model=made_by)
        self._sessions = sessions = SessionTable(host, observer, on_end=assignments.acquit)
        self._output_writer = OutputWriter(
            keys, token, sessions, host, assignments,
            retention_ms=milliseconds(timings.retention_s), observer=observer,
        )  # fmt: skip
        adoption = Adoption(
            keys, token, assignments, sessions, host, self._output_writer,
            encoder=encoder, model=made_by, slots=slots, observer=observer,
        )  # fmt: skip
        self._sieve = Sieve()
        self._input_reader = InputReader(
            keys, lease, sessions, host, adoption,
            encoder=encoder, sieve=self._sieve, timings=timings,
        )  # fmt: skip
        self._reconciler = Reconciler(keys, lease, sessions, self._output_writer, timings=timings)
        self._lease_keeper = LeaseKeeper(
            lease, self._detector, sessions, host, self._reconciler,
            timings=timings, renewed=self._renewed,
        )  # fmt: skip
        self._handover = Handover(keys, lease, sessions, host, timings=timings, observer=observer)

    @property
    def session_count(self) -> int:
        """Sessions that this worker holds."""
        return len(self._sessions)

    @property
    def refused_entries(self) -> int:
        """Of sessions' input: what could not be read."""
        return self._input_reader.refused_entries

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Work until `stop` is set, then hand every session over.

        :raises RuntimeFailure: when Redis cannot be used, the name is taken, or the engine fails.
        """
        reading, writing, leasing, placing = (ShardConnection(self._resolver) for _ in range(4))
        showing = ShardConnection(self._resolver, self._liveness.interrupted)
        self._host.start(self._engine, self._output_writer.deliver)
        async with AsyncExitStack() as stack:
            for connection in (showing, placing, leasing, writing, reading):
                await stack.enter_async_context(aclosing(connection))
            await stack.enter_async_context(aclosing(self._host))
            await self._host.ready()
            joining = partial(self._join, leasing)
            await retry_until_deadline(joining, self._resolver.address, self._timings, self._outage)
            self._observer.started()
            ready()
            await self._work(stop, reading, writing, leasing, placing, showing)
            with suppressed_outage():
                await leasing.run(self._lease.leave)

    async def _join(self, leasing: ShardConnection) -> None:
        await leasing.check()
        await leasing.run(warn_of_eviction)
        await leasing.run(self._lease.register)

    async def _work(
        self,
        stop: asyncio.Event,
        reading: ShardConnection,
        writing: ShardConnection,
        leasing: ShardConnection,
        placing: ShardConnection,
        showing: ShardConnection,
    ) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._hold(showing), name="liveness"),
                group.create_task(self._always(self._input_reader.read, reading), name="read"),
                group.create_task(self._always(self._output_writer.write, writing), name="write"),
                group.create_task(self._always(self._lease_keeper.beat, leasing), name="beat"),
                group.create_task(self._always(self._lease_keeper.look, leasing), name="look"),
                group.create_task(self._always(self._placing.serve, placing), name="place"),
                group.create_task(self._watch(), name="watch"),
            ]
            await stop.wait()
            await self._handover.drain(leasing)
            for task in tasks:
                task.cancel()

    async def _watch(self) -> None:
        await asyncio.shield(self._host.failed)

    async def _always(
        self, step: Callable[[RedisClient], Awaitable[None]], connection: ShardConnection
    ) -> None:
        await repeat_forever(
            partial(self._mended, step),
            connection,
            self._timings,
            self._outage,
            self._observer.outage,
        )

    async def _mended(
        self, step: Callable[[RedisClient], Awaitable[None]], client: RedisClient
    ) -> None:
        """Where somebody put something else into Redis, take it away and try again."""
        try:
            await step(client)
        except ResponseError as error:
            if handling(error) is Handling.SESSION:
                await self._reconciler.repair(client)
            raise

    async def _hold(self, connection: ShardConnection) -> None:
        """Others tell of an outage: this one never gets as far as to know that it is over."""
        await repeat_forever(
            self._liveness.hold, connection, self._timings, None, self._observer.outage
        )

    def _renewed(self) -> None:
        self._observer.leased(sessions=self.session_count, refused_entries=self.refused_entries)
