"""A process with a model: takes sessions from Redis, decides for them, and writes what it decided.

Reading, writing, the lease and clients' requests have a connection each, so that none waits for
another. A fifth one only shows that this process lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from redis.exceptions import RedisError, ResponseError

from interject.model_runtime.checkpoint import fingerprint
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.names import shown
from interject.model_runtime.protocol import CloseReason, RuntimeFailure
from interject.model_runtime.redis import scripts
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.connection import ShardConnection
from interject.model_runtime.redis.errors import (
    FAILURES,
    Handling,
    handling,
    is_cut,
    passes,
    raise_errors,
    reason,
)
from interject.model_runtime.redis.eviction_policy import warn_of_eviction
from interject.model_runtime.redis.keys import tenant_of
from interject.model_runtime.redis.node_resolver import NodeResolver
from interject.model_runtime.redis.notifier import NoticeReader, names_in
from interject.model_runtime.redis.outage import Outage
from interject.model_runtime.redis.rate_limiter import RateLimiter, sleep_unless
from interject.model_runtime.redis.retry import (
    repeat_forever,
    retry_until_deadline,
    suppressed_outage,
)
from interject.model_runtime.redis.round_robin import RoundRobin
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.sieve import Sieve
from interject.model_runtime.redis.timings import Timings, milliseconds
from interject.model_runtime.redis.worker import mending, writes
from interject.model_runtime.redis.worker.engine_host import EngineHost
from interject.model_runtime.redis.worker.engine_session import Batch
from interject.model_runtime.redis.worker.intake import ENTRIES_A_READ
from interject.model_runtime.redis.worker.membership import FailureDetector, Lease, Liveness
from interject.model_runtime.redis.worker.owned_session import Tenant
from interject.model_runtime.redis.worker.placing import Placing
from interject.model_runtime.redis.worker.recovery.assignments import Assignments
from interject.model_runtime.redis.worker.recovery.orphaned_session import load
from interject.model_runtime.redis.worker.token_encoding import encode_prefix, encode_texts
from interject.model_runtime.remote import wire
from interject.model_runtime.telemetry.worker_watch import NoObserver
from interject.model_runtime.threads import leave_a_core

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.streams import Entries
    from interject.model_runtime.redis.worker.owned_session import Write
    from interject.model_runtime.redis.worker.recovery.orphaned_session import OrphanedSession
    from interject.model_runtime.redis.worker.token_encoding import Input
    from interject.model_runtime.telemetry.worker_watch import WorkerObserver

ADOPTIONS_A_READ = 4
"""All other sessions wait meanwhile."""
HURRIES_A_READ = 4
"""Further reads of streams that are full of what cannot be read."""

MOST_FAILURES = 8
"""So many writes of one session alone are refused before it is given up."""
COUNT_EVERY_S = 2.0
VISIT_EVERY = 0.1
"""Of the time after which a session without a client ends: as often is it looked whether it has."""

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
        address = Address.parse(url)
        if len(address.shards) > 1:
            raise RuntimeFailure(f"{address.name}: a worker serves one shard; write ?shard=NAME")
        self._keys = address.keys
        self._home = NodeResolver(address, self._keys)
        leave_a_core()
        self._engine = Engine(model, slots=slots, eviction=Eviction.EXACT)
        self._model = fingerprint(model)
        self._timings = timings or Timings()
        self._observer = observer or NoObserver()
        self._slots = slots
        self._lease = Lease(
            self._keys, name=name, slots=slots, tenants=address.tenants, timings=self._timings
        )
        token = self._lease.token
        self._liveness = Liveness(self._keys.alive(token), wait_s=self._timings.beat_s)
        self._detector = FailureDetector(self._keys, token=token, liveness=self._liveness)
        self._bereaved = asyncio.Event()
        trial_s = 2 * self._timings.worker_lease_s
        self._assignments = Assignments(self._keys, token, model=self._model, trial_s=trial_s)
        self._tenants: dict[str, Tenant] = {}
        self._news = asyncio.Event()
        self._sieve = Sieve()
        self._follower = NoticeReader(wait_s=self._timings.wait_s, sieve=self._sieve)
        self._placing = Placing(self._keys, self._lease, timings=self._timings)
        self._rota = RoundRobin(self._timings.round_s)
        self._visits = RoundRobin(VISIT_EVERY * self._timings.grace_s)
        self._reads = RateLimiter(self._timings.tick_s)
        self._outage = Outage()
        self._apart = False
        self._condemned: set[str] = set()
        self._counted_at = perf_counter()
        self._unwritten: dict[str, Tenant] = {}
        self._hurried: set[str] = set()
        self.refused_entries = 0

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Work until `stop` is set, then hand every session over.

        :raises RuntimeFailure: when Redis cannot be used, the name is taken, or the engine fails.
        """
        reading, writing, leasing, placing = (ShardConnection(self._home) for _ in range(4))
        showing = ShardConnection(self._home, self._liveness.interrupted)
        self._host = EngineHost(self._engine, self._deliver, model=self._model)
        try:
            joining = partial(self._join, leasing)
            await retry_until_deadline(joining, self._home.address, self._timings, self._outage)
            self._observer.started()
            ready()
            await self._work(stop, reading, writing, leasing, placing, showing)
            with suppressed_outage():
                await leasing.run(self._lease.leave)
        finally:
            await self._host.aclose()
            for link in (reading, writing, leasing, placing, showing):
                await link.aclose()

    async def _join(self, leasing: ShardConnection) -> None:
        await leasing.check()
        await leasing.run(warn_of_eviction)
        await leasing.run(self._lease.register)

    @property
    def session_count(self) -> int:
        """Sessions that this worker holds."""
        return len(self._tenants)

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
                group.create_task(self._always(self._read, reading), name="read"),
                group.create_task(self._always(self._write, writing), name="write"),
                group.create_task(self._always(self._beat, leasing), name="beat"),
                group.create_task(self._always(self._look, leasing), name="look"),
                group.create_task(self._always(self._placing.serve, placing), name="place"),
                group.create_task(self._watch(), name="watch"),
            ]
            await stop.wait()
            await self._drain(leasing)
            for task in tasks:
                task.cancel()

    async def _watch(self) -> None:
        await asyncio.shield(self._host.failed)

    async def _always(
        self, step: Callable[[RedisClient], Awaitable[None]], link: ShardConnection
    ) -> None:
        await repeat_forever(
            partial(self._mended, step), link, self._timings, self._outage, self._observer.outage
        )

    async def _mended(
        self, step: Callable[[RedisClient], Awaitable[None]], client: RedisClient
    ) -> None:
        """Where somebody put something else into Redis, take it away and try again."""
        try:
            await step(client)
        except ResponseError as error:
            if handling(error) is Handling.SESSION:
                kinds = mending.shared(
                    self._keys, self._lease.tenants, name=self._lease.name, token=self._lease.token
                )
                await mending.missing(client, self._keys, kinds)
                await self._visit(client, list(self._tenants.values()))
            raise

    async def _hold(self, link: ShardConnection) -> None:
        """Others tell of an outage: this one never gets as far as to know that it is over."""
        await repeat_forever(self._liveness.hold, link, self._timings, None, self._observer.outage)

    # The lease

    async def _beat(self, client: RedisClient) -> None:
        await self._count(client)
        visited = self._known(set(self._visits.turn(self._tenants)))
        await self._visit(client, visited)
        renewal = await self._lease.renew(client, [tenant.key for tenant in visited])
        self._observer.leased(sessions=len(self._tenants), refused_entries=self.refused_entries)
        suspects = [t for t in self._tenants.values() if renewal.lapsed or t.held]
        await self._reclaim(client, suspects)
        for key in renewal.lonely:
            self._host.close(key, CloseReason.CLIENT, "the client has gone")
        await sleep_unless(self._bereaved, self._timings.beat_s)
        self._bereaved.clear()

    async def _look(self, client: RedisClient) -> None:
        """What a dead worker had is shared out in the next beat, which then comes at once."""
        await asyncio.sleep(self._timings.look_s)
        if not self._lease.draining and await self._detector.look(client):
            self._bereaved.set()

    async def _reclaim(self, client: RedisClient, tenants: list[Tenant]) -> None:
        """The lease had lapsed: find out what is still ours, and tell a Redis that forgot it."""
        if not tenants:
            return
        pipeline = client.pipeline(transaction=False)
        for tenant in tenants:
            scripts.queue(
                pipeline, Script.RECLAIM, [self._keys.session(tenant.key)],
                self._keys.prefix, tenant.key, self._lease.token, tenant.epoch,
                wire.encode_options(tenant.options), tenant.generation,
                milliseconds(self._timings.grace_s),
            )  # fmt: skip
        for tenant, verdict in zip(tenants, await pipeline.execute(), strict=True):
            if verdict == b"fenced":
                self._forget(tenant)
            elif verdict == b"restored":
                self._write_anew(tenant)

    async def _count(self, client: RedisClient) -> None:
        """Look now and then for sessions that are this worker's and that it was not told of."""
        token = self._lease.token
        for key in tuple(self._condemned):
            await mending.remove(client, self._keys, token, key)
            self._condemned.discard(key)
        if self._lease.draining or perf_counter() < self._counted_at + COUNT_EVERY_S:
            return
        self._counted_at = perf_counter()
        for key in await mending.overlooked(client, self._keys, token, self._tenants):
            await client.ask(("RPUSH", self._keys.todo(token), key))

    async def _visit(self, client: RedisClient, tenants: list[Tenant]) -> None:
        """Look whether Redis still keeps everything of these sessions."""
        staying = [t for t in tenants if not (t.leaving or (t.in_flight and t.in_flight.closed))]
        kept_ms = milliseconds(self._timings.kept_s)
        for key in await mending.visit(client, self._keys, staying, kept_ms):
            logger.warning("redis has lost a part of a session", extra={"session": shown(key)})
            for tenant in self._known({key}):
                self._write_anew(tenant)

    def _write_anew(self, tenant: Tenant) -> None:
        """All that this worker knows of a session. What the client knows, it sends again."""
        tenant.hold()
        tenant.add(Batch(tenant.key, tenant.epoch, (wire.Resend(),), ""))
        self._unwritten[tenant.key] = tenant
        self._host.snapshot(tenant.key)
        self._news.set()

    def _forget(self, tenant: Tenant) -> None:
        """Another worker has it. It may have come back here since, under a new epoch."""
        if self._tenants.get(tenant.key) is tenant:
            logger.warning("a session was taken over", extra={"session": shown(tenant.key)})
            self._observer.fenced(tenant.options.session_id)
            self._host.abandon(tenant.key)
            self._remove(tenant)

    def _remove(self, tenant: Tenant) -> None:
        if self._tenants.get(tenant.key) is tenant:
            self._assignments.acquit(tenant.key)
            del self._tenants[tenant.key]
            self._unwritten.pop(tenant.key, None)

    # Reading

    async def _read(self, client: RedisClient) -> None:
        try:
            await self._read_streams(client)
        except FAILURES as error:
            if is_cut(error):
                self._sieve.beware()
            raise

    async def _read_streams(self, client: RedisClient) -> None:
        await self._reads.turn()
        told = set(self._rota.turn(self._tenants))
        streams = [self._keys.news(tenant) for tenant in self._lease.tenants]
        for owner, fields in await self._follower.follow(client, streams):
            told.update(name for name in names_in(fields) if tenant_of(name) == owner)
        places = {self._keys.input(tenant.key): tenant.read_to for tenant in self._known(told)}
        reads = (self._sieve.question(places, count=ENTRIES_A_READ),) if places else ()
        arrived, *inputs = await client.exchange((self._assignments.question, *reads))
        raise_errors((arrived, *inputs))
        taken: list[Input] = []
        for key, entries in self._sieve.entries(inputs[0] if inputs else None):
            taken += self._take_in(key, entries, ENTRIES_A_READ)
        await self._put(taken)
        for _ in range(HURRIES_A_READ):
            if self._hurried:
                await self._hurry(client)
        if arrived:
            await self._adopt_some(client, await self._assignments.by_urgency(client, arrived))

    def _known(self, keys: set[str]) -> list[Tenant]:
        return [self._tenants[key] for key in keys if key in self._tenants]

    async def _put(self, taken: list[Input]) -> None:
        """What was read is not read again: it must not be lost to an error of the next read."""
        if taken:
            self._host.put(await encode_texts(self._engine.prompt_encoder, taken))

    async def _hurry(self, client: RedisClient) -> None:
        """More of the streams that are full of rubbish, for what may stand behind it."""
        hurried, self._hurried = self._known(self._hurried), set()
        for tenant in hurried:
            taken: list[Input] = []
            count, place = tenant.intake.hurry, {self._keys.input(tenant.key): tenant.read_to}
            answer = await client.ask(self._sieve.question(place, count=count))
            for key, entries in self._sieve.entries(answer):
                taken += self._take_in(key, entries, count)
            await self._put(taken)

    def _take_in(self, key: str, page: Entries, asked_for: int) -> Iterator[Input]:
        tenant = self._tenants.get(key)
        if tenant is None or tenant.leaving:
            return
        intake = tenant.intake
        refused = intake.refused
        for entry, item in intake.take(shown(key), page, asked_for=asked_for):
            tenant.read_to = entry
            yield key, entry, item
        self.refused_entries += intake.refused - refused
        if intake.hurry:
            self._hurried.add(key)

    async def _adopt_some(self, client: RedisClient, arrived: list[OrphanedSession]) -> None:
        """A slot may still be held by a session that is lost and was not missed yet."""
        adopted = 0
        for orphan in arrived:
            full = orphan.key not in self._tenants and len(self._tenants) >= self._slots
            if full or adopted == ADOPTIONS_A_READ:
                continue
            adopted += 1
            try:
                await self._adopt(client, orphan)
            except FAILURES:
                self._assignments.postpone(orphan.key)
                raise

    async def _adopt(self, client: RedisClient, orphan: OrphanedSession) -> None:
        whole = await load(client, self._keys, orphan, token=self._lease.token, model=self._model)
        if whole is None:
            return self._assignments.forget(orphan.key)
        prefix = await encode_prefix(self._engine.prompt_encoder, whole.options)
        self._take_over(whole, prefix)
        await self._assignments.strike(client, orphan.key)

    def _take_over(self, orphan: OrphanedSession, prefix: ForwardInput | RuntimeFailure) -> None:
        """A session may come back that was lost to another worker and not yet missed here."""
        key, epoch = orphan.key, orphan.epoch
        known = self._tenants.get(key)
        if known is not None and known.epoch == epoch:
            return
        if known is not None:
            self._forget(known)
        tenant = Tenant(
            key, orphan.options, epoch, orphan.cursor,
            number=orphan.number, written=orphan.written,
            has_journal=orphan.has_journal, has_snapshot=orphan.has_snapshot,
        )  # fmt: skip
        self._tenants[key] = tenant
        self._observer.adopted(restored=orphan.known is not None)
        if orphan.failure:
            reason = orphan.failure
            logger.error("a session is lost", extra={"session": shown(key), "reason": reason})
            self._deliver([Batch(key, epoch, orphan.farewell, orphan.cursor, closed=True)])
        elif orphan.known is None:
            self._host.admit(key, epoch, orphan.options, prefix, cursor=orphan.cursor)
        else:
            self._host.restore(
                key, epoch, orphan.options, prefix, orphan.known,
                cursor=orphan.cursor, entries=orphan.places,
            )  # fmt: skip

    # Writing

    def _deliver(self, batches: list[Batch]) -> None:
        for batch in batches:
            tenant = self._tenants.get(batch.key)
            if tenant is not None and tenant.epoch == batch.epoch:
                tenant.add(batch)
                self._unwritten[batch.key] = tenant
                for item in batch.outputs:
                    self._observer.output(item)
        self._news.set()

    async def _write(self, client: RedisClient) -> None:
        """Everything that is queued, at once; a repetition after an outage is harmless."""
        await self._news.wait()
        self._news.clear()
        try:
            await self._flush(client)
        except FAILURES:
            self._news.set()
            raise

    async def _flush(self, client: RedisClient) -> None:
        writing = [
            (tenant, write)
            for tenant in self._unwritten.values()
            if (write := tenant.next_write()) is not None
        ]
        if not writing:
            return
        began = perf_counter()
        retention_ms = milliseconds(self._timings.retention_s)
        token, apart = self._lease.token, self._apart
        calls = list(
            writes.calls(writing, self._keys, token, retention_ms=retention_ms, apart=apart)
        )
        answers = await client.exchange([command for _, command in calls])
        self._observer.wrote(perf_counter() - began)
        for (written, _), answer in zip(calls, answers, strict=True):
            if not isinstance(answer, RedisError):
                for (tenant, write), verdict in zip(written, answer, strict=True):
                    self._judge(tenant, write, verdict)
            elif apart and not passes(answer):
                self._strike(written[0][0], answer)
        self._apart = any(isinstance(a, RedisError) and not passes(a) for a in answers)
        raise_errors(answers)

    def _strike(self, tenant: Tenant, error: RedisError) -> None:
        """What Redis holds of a session lets nothing be written. No other is to wait for it."""
        tenant.failures += 1
        if tenant.failures < MOST_FAILURES:
            return
        logger.error(
            "a session cannot be written; what redis holds of it is deleted",
            extra={"session": shown(tenant.key), "reason": reason(error)},
        )
        self._host.abandon(tenant.key)
        self._remove(tenant)
        self._condemned.add(tenant.key)

    def _judge(self, tenant: Tenant, write: Write, verdict: bytes) -> None:
        """A write in flight that was put together anew meanwhile has no verdict."""
        if verdict == b"fenced":
            self._forget(tenant)
        elif tenant.in_flight is not write:
            self._news.set()
        elif verdict == b"missing":
            tenant.hold()
        elif verdict == b"behind":
            tenant.hold()
            self._host.snapshot(tenant.key)
            self._news.set()
        else:
            self._settle(tenant)

    def _settle(self, tenant: Tenant) -> None:
        tenant.settle()
        tenant.failures = 0
        self._assignments.acquit(tenant.key)
        if tenant.closed:
            self._remove(tenant)
        elif tenant.waits:
            self._news.set()
        elif self._unwritten.get(tenant.key) is tenant:
            del self._unwritten[tenant.key]

    # Leaving

    async def _drain(self, link: ShardConnection) -> None:
        """Hand over every session with a snapshot; what nobody has room for waits in Redis."""
        self._lease.draining = True
        self._observer.draining()
        with contextlib.suppress(TimeoutError), suppressed_outage():
            async with asyncio.timeout(self._timings.drain_s):
                await link.run(self._lease.renew)
                while self._tenants:
                    await link.run(self._hand_over)
                    await asyncio.sleep(self._timings.tick_s)

    async def _hand_over(self, client: RedisClient) -> None:
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
