"""A session that costs one worker after the other its lease is closed; those beside it go on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, cast

import pytest

from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    RuntimeFailure,
    SessionOptions,
)
from interject.model_runtime.redis import scripts
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.keys import DEFAULT_TENANT, Keys, session_name
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.redis.worker.lease_keeper import LeaseKeeper
from interject.model_runtime.redis.worker.membership import STARVED_SHARE, Lease
from interject.model_runtime.redis.worker.owned_session import OwnershipState
from interject.model_runtime.redis.worker.placing import Placing
from interject.model_runtime.redis.worker.reconciler import Reconciler
from interject.model_runtime.redis.worker.session_table import SessionTable
from interject.model_runtime.telemetry.worker_watch import NoObserver
from tests.contract.runtime_contract import heard, of, until_closed
from tests.live.conftest import hired
from tests.model_runtime.redis.worker.owned import owned
from tests.model_runtime.redis.worker.test_session_table import Abandoning
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.worker.engine_host import EngineHost
    from interject.model_runtime.redis.worker.membership import FailureDetector
    from interject.model_runtime.redis.worker.output_writer import OutputWriter
    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

KEYS = Keys("0")
SOUND = frames(noise(0.8))
TENANTS = (DEFAULT_TENANT,)
BRIEF = Timings(worker_lease_s=0.1, beat_s=0.01)
PATIENT = Timings(worker_lease_s=1.0)


async def lose(client: RedisClient, name: str, *, looked_at: str) -> None:
    """A worker takes everything over, looks at one of it, and stalls until its lease is gone."""
    lease = Lease(KEYS, name=name, slots=4, tenants=TENANTS, timings=BRIEF)
    await lease.register(client)
    async with asyncio.timeout(10):
        while not await client.lrem(KEYS.todo(lease.token), 1, looked_at):
            await asyncio.sleep(0.01)
            await lease.renew(client)
    await asyncio.sleep(2 * BRIEF.worker_lease_s)


async def lost(client: RedisClient, name: str) -> int:
    """How many leases are held against a session."""
    return len((await client.hget(KEYS.session(name), "lost_epochs") or b"").split())


class Staller:
    """A worker that takes a session over, stalls until its lease is gone, and comes back. The
    process had `share` of a core all the time.
    """

    def __init__(self, client: RedisClient, name: str, *, timings: Timings, share: float) -> None:
        self._client = client
        self.lease = Lease(
            KEYS, name=name, slots=4, tenants=TENANTS, timings=timings,
            cpu_clock=lambda: share * time.monotonic(),
        )  # fmt: skip
        host, writer = cast("EngineHost", Abandoning()), cast("OutputWriter", NothingWritten())
        self._sessions = SessionTable(host, NoObserver(), on_end=lambda key: None)
        reconciler = Reconciler(KEYS, self.lease, self._sessions, writer, timings=timings)
        self._keeper = LeaseKeeper(
            self.lease, cast("FailureDetector", None), self._sessions, host, reconciler,
            timings=timings, renewed=lambda: None,
        )  # fmt: skip

    async def take(self, name: str) -> None:
        async with asyncio.timeout(10):
            while not await self._client.lrem(KEYS.todo(self.lease.token), 1, name):
                await asyncio.sleep(0.01)
                await self.lease.renew(self._client)
        epoch = int(await self._client.hget(KEYS.session(name), "epoch") or 0)
        session = owned(name, epoch=epoch)
        self._sessions.add(session)
        session.move(OwnershipState.SERVING)

    async def come_back(self) -> None:
        await self._keeper.beat(self._client)
        assert not len(self._sessions)


class NothingWritten:
    """The part of a writer that a beat needs."""

    condemned: tuple[str, ...] = ()


async def placed(client: RedisClient, lease: Lease, *names: str) -> None:
    placing = Placing(KEYS, lease, timings=PATIENT)
    async with asyncio.timeout(10):
        while await client.exists(*map(KEYS.session, names)) < len(names):
            await placing.serve(client)


async def test_a_session_that_costs_workers_their_leases_is_closed_alone(
    redis_server: RedisServer, client: RedisClient
) -> None:
    bad, good = (session_name(DEFAULT_TENANT, name, secret="") for name in ("bad", "good"))
    first = Lease(KEYS, name="w0", slots=4, tenants=TENANTS, timings=PATIENT)
    await first.register(client)
    async with RedisRuntime(redis_server.url) as runtime:
        opening = [
            asyncio.create_task(runtime.open(SessionOptions(name, threshold=1.0)))
            for name in ("bad", "good")
        ]
        await placed(client, first, bad, good)
        await client.lrem(KEYS.todo(first.token), 1, bad)
        await asyncio.sleep(1.1)
        for name in ("w1", "w2"):
            await lose(client, name, looked_at=bad)
        assert await lost(client, bad) == 2
        assert await lost(client, good) == 0
        async with hired(redis_server.url, name="w3"):
            with pytest.raises(RuntimeFailure, match="2 workers that took it over lost"):
                await opening[0]
            session = await opening[1]
            assert await client.hget(KEYS.session(bad), "state") == b"closed"
            with pytest.raises(RuntimeFailure, match=r"not taken again for 1\d\d s"):
                await runtime.open(SessionOptions("bad"))
            await session.close()


@pytest.mark.parametrize("share", [0.1, 0.9])
async def test_a_worker_that_was_starved_holds_its_lost_lease_against_no_session(
    redis_server: RedisServer, client: RedisClient, share: float
) -> None:
    name = session_name(DEFAULT_TENANT, "a", secret="")
    stalled = Staller(client, "w0", timings=PATIENT, share=share)
    await stalled.lease.register(client)
    async with RedisRuntime(redis_server.url) as runtime:
        opening = asyncio.create_task(runtime.open(SessionOptions("a", threshold=1.0)))
        await placed(client, stalled.lease, name)
        await stalled.take(name)
        await asyncio.sleep(1.1)
        for number in (1, 2):
            heir = Staller(client, f"w{number}", timings=BRIEF, share=share)
            await heir.lease.register(client)
            await heir.take(name)
            await stalled.come_back()
            assert await lost(client, name) == (0 if share < STARVED_SHARE else number)
            await asyncio.sleep(2 * BRIEF.worker_lease_s)
            stalled = heir
        async with hired(redis_server.url, name="w3"):
            if share < STARVED_SHARE:
                await (await opening).close()
            else:
                with pytest.raises(RuntimeFailure, match="2 workers that took it over lost"):
                    await opening


@contextlib.asynccontextmanager
async def listening(client: RedisClient, *names: str) -> AsyncIterator[None]:
    """Workers of these names are connected."""
    async with client.pubsub() as subscription:
        for name in names:
            await subscription.subscribe(KEYS.alive(name))
            message = await subscription.get_message(timeout=10.0)
            assert message is not None
            assert message["type"] == "subscribe"
        yield


@pytest.mark.parametrize(
    ("seen", "may_ask", "lost_epochs"),
    [
        (("me", "other"), True, b"5"),
        (("me",), True, b"5!"),
        (("other",), True, b"5"),
        ((), True, b"5"),
        (("me",), False, b"5"),
    ],
)
async def test_a_loss_is_final_only_where_its_worker_is_seen_to_be_gone(
    redis_server: RedisServer,
    client: RedisClient,
    seen: tuple[str, ...],
    may_ask: bool,
    lost_epochs: bytes,
) -> None:
    lease = Lease(KEYS, name="me", slots=4, tenants=TENANTS, timings=PATIENT)
    rights = ("+@all",) if may_ask else ("+@all", "-pubsub")
    await client.ask(("ACL", "SETUSER", "beating", "on", ">x", "~*", "&*", *rights))
    url = redis_server.url.replace("redis://", "redis://beating:x@")
    await client.hset(KEYS.session("a"), mapping={"state": "open", "epoch": 5, "worker": "other"})
    await client.sadd(KEYS.owned("other"), "a")
    await client.sadd(KEYS.fleet, "other")
    tokens = [lease.token if name == "me" else name for name in seen]
    async with (
        contextlib.aclosing(Address.parse(url).client()) as beating,
        listening(client, *tokens),
    ):
        await lease.register(beating)
        await lease.renew(beating)
    assert await client.hget(KEYS.session("a"), "lost_epochs") == lost_epochs


async def test_a_lost_lease_is_acquitted_once(client: RedisClient) -> None:
    key = KEYS.session("a")
    for lost_epochs, epoch, found, left in (
        ("5 6 7", 6, 1, b"5 7"),
        ("5 7", 6, 0, b"5 7"),
        ("5! 66! 6! 7", 6, 1, b"5! 66! 7"),
        ("5", 5, 1, None),
    ):
        await client.hset(key, "lost_epochs", lost_epochs)
        assert await scripts.run(client, Script.ACQUIT, [key], KEYS.prefix, epoch) == found
        assert await client.hget(key, "lost_epochs") == left
    await client.delete(key)
    assert await scripts.run(client, Script.ACQUIT, [key], KEYS.prefix, 5) == 0
    assert not await client.exists(key)


async def test_a_session_that_is_acquitted_again_and_again_is_not_believed(
    client: RedisClient,
) -> None:
    """It may be what stops its workers without their computing. Whatever is done for it counts."""
    key = KEYS.session("a")
    found = []
    for epoch in range(1, 9):
        await client.hset(key, "lost_epochs", epoch)
        found.append(await scripts.run(client, Script.ACQUIT, [key], KEYS.prefix, epoch))
    assert found == [1] * 6 + [0] * 2
    assert await client.hget(key, "lost_epochs") == b"8"


@pytest.mark.parametrize(("seed", "context"), [(3, 512), (2, 256)])
async def test_a_session_of_another_model_or_context_is_closed_with_the_reason(
    redis_server: RedisServer, seed: int, context: int
) -> None:
    async with RedisRuntime(redis_server.url) as runtime:
        async with hired(redis_server.url, name="w1"):
            session = await runtime.open(SessionOptions("a", threshold=1.0))
            await session.push(SOUND[0])
            assert isinstance(await anext(session.events()), Decision)
        async with hired(redis_server.url, name="w2", seed=seed, context=context):
            end = (await until_closed(session))[-1]
            assert isinstance(end, Closed)
            assert end.reason is CloseReason.FAILURE
            assert "the session was another model's" in end.detail
            assert end.detail.endswith("the same model and --context")
            again = await runtime.open(SessionOptions("b", threshold=1.0))
            assert len(of(Decision, await heard(again, SOUND))) == len(SOUND)
