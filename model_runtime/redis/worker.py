"""A process with a model: takes sessions from Redis, decides for them, and writes what it decided.

Reading, writing and the lease have a connection each, so that none waits for another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from time import perf_counter
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from interject.model_runtime.engine import Engine
from interject.model_runtime.ledger import Eviction
from interject.model_runtime.protocol import Closed, CloseReason
from interject.model_runtime.redis import scripts, wire
from interject.model_runtime.redis.connection import OUTAGE, Address
from interject.model_runtime.redis.host import Batch, EngineHost
from interject.model_runtime.redis.lease import Lease
from interject.model_runtime.redis.retry import always
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.streams import by_session, cursors
from interject.model_runtime.redis.takeover import load
from interject.model_runtime.redis.tenant import Tenant, arguments
from interject.model_runtime.redis.timings import Timings, milliseconds
from interject.model_runtime.telemetry.worker_watch import NoObserver
from interject.model_runtime.threads import leave_a_core

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.redis.streams import Entries
    from interject.model_runtime.redis.takeover import Legacy
    from interject.model_runtime.telemetry.worker_watch import WorkerObserver

ENTRIES_A_READ = 64

logger = logging.getLogger(__name__)


class Worker:
    """Owns sessions by lease; `name` stays the same after a restart."""

    def __init__(
        self,
        url: str,
        model: Model,
        *,
        name: str,
        slots: int = 8,
        timings: Timings | None = None,
        observer: WorkerObserver | None = None,
    ) -> None:
        self._address = Address.parse(url)
        self._keys = self._address.keys
        leave_a_core()
        self._engine = Engine(model, slots=slots, eviction=Eviction.EXACT)
        self._timings = timings or Timings()
        self._observer = observer or NoObserver()
        self._slots = slots
        self._lease = Lease(self._keys, name=name, slots=slots, timings=self._timings)
        self._tenants: dict[str, Tenant] = {}
        self._news = asyncio.Event()
        self.refused_entries = 0

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Work until `stop` is set, then hand every session over.

        :raises RuntimeFailure: when Redis cannot be used, the name is taken, or the engine fails.
        """
        reading, writing, leasing = (self._address.client() for _ in range(3))
        self._host = EngineHost(self._engine, self._deliver)
        try:
            await self._address.check(leasing)
            await self._lease.register(leasing)
            self._observer.started()
            ready()
            await self._work(stop, reading, writing, leasing)
            with contextlib.suppress(*OUTAGE):
                await self._lease.leave(leasing)
        finally:
            await self._host.aclose()
            for client in (reading, writing, leasing):
                await client.aclose()

    @property
    def session_count(self) -> int:
        """Sessions that this worker holds."""
        return len(self._tenants)

    async def _work(
        self, stop: asyncio.Event, reading: Redis, writing: Redis, leasing: Redis
    ) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._always(self._read, reading), name="read"),
                group.create_task(self._always(self._write, writing), name="write"),
                group.create_task(self._always(self._beat, leasing), name="beat"),
                group.create_task(self._watch(), name="watch"),
            ]
            await stop.wait()
            await self._drain(leasing)
            for task in tasks:
                task.cancel()

    async def _watch(self) -> None:
        await asyncio.shield(self._host.failed)

    async def _always(self, step: Callable[[Redis], Awaitable[None]], client: Redis) -> None:
        await always(lambda: step(client), self._timings, self._observer.outage)

    # The lease

    async def _beat(self, client: Redis) -> None:
        renewal = await self._lease.renew(client)
        self._observer.leased(sessions=len(self._tenants), refused_entries=self.refused_entries)
        suspects = [t for t in self._tenants.values() if renewal.lapsed or t.held]
        await self._reclaim(client, suspects)
        for key in renewal.lonely:
            self._host.close(key, CloseReason.CLIENT, "the client has gone")
        await asyncio.sleep(self._timings.beat_s)

    async def _reclaim(self, client: Redis, tenants: list[Tenant]) -> None:
        """The lease had lapsed: find out what is still ours, and tell a Redis that forgot it."""
        for tenant in tenants:
            verdict = await scripts.run(
                client, Script.RECLAIM, [self._keys.session(tenant.key)],
                self._keys.prefix, tenant.key, self._lease.token, tenant.epoch,
                wire.encode_options(tenant.options), tenant.generation,
            )  # fmt: skip
            if verdict == b"fenced":
                self._forget(tenant)
            elif verdict == b"restored":
                tenant.hold()
                self._host.snapshot(tenant.key)

    def _forget(self, tenant: Tenant) -> None:
        """Another worker has it. It may have come back here since, under a new epoch."""
        if self._tenants.get(tenant.key) is tenant:
            logger.warning("a session was taken over", extra={"session": tenant.key})
            self._observer.fenced(tenant.options.session_id)
            self._host.abandon(tenant.key)
            self._remove(tenant)

    def _remove(self, tenant: Tenant) -> None:
        if self._tenants.get(tenant.key) is tenant:
            del self._tenants[tenant.key]

    # Reading

    async def _read(self, client: Redis) -> None:
        began = perf_counter()
        pipeline = client.pipeline(transaction=False)
        pipeline.lrange(self._keys.todo(self._lease.token), 0, ENTRIES_A_READ)
        places = {self._keys.input(t.key): t.read_to for t in self._tenants.values()}
        if places:
            pipeline.xread(cursors(places), count=ENTRIES_A_READ)
        arrived, *streams = await pipeline.execute()
        for key, entries in by_session(streams[0] if streams else None):
            self._take_in(key, entries)
        for key in arrived:
            await self._adopt(client, key.decode())
        await asyncio.sleep(self._timings.pause_s(perf_counter() - began))

    def _take_in(self, key: str, entries: Entries) -> None:
        tenant = self._tenants.get(key)
        if tenant is None or tenant.leaving:
            return
        for tenant.read_to, fields in entries:
            try:
                item = wire.decode_input(fields)
            except wire.WireError as error:
                self.refused_entries += 1
                logger.warning("input refused", extra={"session": key, "reason": str(error)})
            else:
                self._host.put(key, tenant.read_to, item)

    async def _adopt(self, client: Redis, key: str) -> None:
        """Take over what was given to this worker; it stays on the list until that is done.

        A slot may still be held by a session that is lost and was not missed yet.
        """
        if key not in self._tenants and len(self._tenants) >= self._slots:
            return
        legacy = await load(client, self._keys, key, token=self._lease.token)
        if legacy is not None:
            self._take_over(legacy)
        await client.lrem(self._keys.todo(self._lease.token), 1, key)

    def _take_over(self, legacy: Legacy) -> None:
        """A session may come back that was lost to another worker and not yet missed here."""
        key, epoch = legacy.key, legacy.epoch
        known = self._tenants.get(key)
        if known is not None and known.epoch == epoch:
            return
        if known is not None:
            self._forget(known)
        tenant = Tenant(
            key, legacy.options, epoch, legacy.cursor,
            number=legacy.number, written=legacy.written,
        )  # fmt: skip
        self._tenants[key] = tenant
        self._observer.adopted(restored=legacy.known is not None)
        if legacy.failure:
            logger.error("a session is lost", extra={"session": key, "reason": legacy.failure})
            end = Closed(legacy.options.session_id, CloseReason.FAILURE, legacy.failure)
            self._deliver([Batch(key, epoch, (end,), legacy.cursor, closed=True)])
        elif legacy.known is None:
            self._host.admit(key, epoch, legacy.options, cursor=legacy.cursor)
        else:
            self._host.restore(
                key, epoch, legacy.options, legacy.known,
                cursor=legacy.cursor, entries=legacy.places,
            )  # fmt: skip

    # Writing

    def _deliver(self, batches: list[Batch]) -> None:
        for batch in batches:
            tenant = self._tenants.get(batch.key)
            if tenant is not None and tenant.epoch == batch.epoch:
                tenant.add(batch)
                for item in batch.outputs:
                    self._observer.output(item)
        self._news.set()

    async def _write(self, client: Redis) -> None:
        """Everything that is queued, at once; a repetition after an outage is harmless."""
        await self._news.wait()
        self._news.clear()
        try:
            await self._flush(client)
        except RedisError:
            self._news.set()
            raise

    async def _flush(self, client: Redis) -> None:
        pipeline = client.pipeline(transaction=False)
        writing = [tenant for tenant in self._tenants.values() if tenant.next_write() is not None]
        for tenant in writing:
            self._queue_write(pipeline, tenant)
        if not writing:
            return
        began = perf_counter()
        verdicts = await pipeline.execute(raise_on_error=False)
        self._observer.wrote(perf_counter() - began)
        troubles: list[RedisError] = []
        for tenant, verdict in zip(writing, verdicts, strict=True):
            if isinstance(verdict, RedisError):
                troubles.append(verdict)
            else:
                self._written(tenant, verdict)
        for trouble in troubles:
            raise trouble

    def _queue_write(self, pipeline: Redis, tenant: Tenant) -> None:
        assert tenant.in_flight is not None, "only queued writes are written"
        keys, key = self._keys, tenant.key
        names = [
            keys.session(key), keys.output(key), keys.journal(key),
            keys.snapshot(key), keys.input(key), keys.owned(self._lease.token),
        ]  # fmt: skip
        retention_ms = milliseconds(self._timings.retention_s)
        values = arguments(tenant.in_flight, epoch=tenant.epoch, retention_ms=retention_ms, key=key)
        scripts.queue(pipeline, Script.WRITE, names, *values)

    def _written(self, tenant: Tenant, verdict: bytes) -> None:
        assert tenant.in_flight is not None, "only queued writes are written"
        if verdict == b"fenced":
            self._forget(tenant)
        elif verdict == b"missing":
            tenant.hold()
        else:
            tenant.settle()
            if tenant.closed:
                self._remove(tenant)

    # Leaving

    async def _drain(self, client: Redis) -> None:
        """Hand over every session with a snapshot; what nobody has room for waits in Redis."""
        self._lease.draining = True
        self._observer.draining()
        with contextlib.suppress(TimeoutError, *OUTAGE):
            async with asyncio.timeout(self._timings.drain_s):
                await self._lease.renew(client)
                while self._tenants:
                    await self._hand_over(client)
                    await asyncio.sleep(self._timings.tick_s)

    async def _hand_over(self, client: Redis) -> None:
        for tenant in list(self._tenants.values()):
            if not tenant.leaving:
                tenant.leaving = True
                self._host.snapshot(tenant.key, leave=True)
            elif tenant.left:
                await scripts.run(
                    client, Script.RELEASE, [self._keys.session(tenant.key)],
                    self._keys.prefix, tenant.key, self._lease.token, tenant.epoch,
                )  # fmt: skip
                self._remove(tenant)
