"""What this process has to do with one shard.

One connection reads the events of all of its sessions, one writes their frames and controls, a
third says that this client is still there, a fourth asks for sessions.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import CloseReason, RuntimeFailure
from interject.model_runtime.redis.client.capacity import read_capacity
from interject.model_runtime.redis.client.event_reader import EventReader
from interject.model_runtime.redis.client.heartbeat import Heartbeat
from interject.model_runtime.redis.client.input_writer import InputWriter
from interject.model_runtime.redis.client.lost_sessions import LostSessions
from interject.model_runtime.redis.client.opening import Opening
from interject.model_runtime.redis.client.placement import Placement
from interject.model_runtime.redis.client.session_registry import SessionRegistry
from interject.model_runtime.redis.connection import ShardConnection
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.node_resolver import NodeResolver
from interject.model_runtime.redis.outage import Outage
from interject.model_runtime.redis.retry import repeat_forever

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.model_runtime.protocol import SessionOptions
    from interject.model_runtime.redis.address import Address
    from interject.model_runtime.redis.client.capacity import Capacity
    from interject.model_runtime.redis.client.session import RedisSession
    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.timings import Timings

WATCH_EVERY = 0.1
"""Of the time after which a session is lost."""

logger = logging.getLogger(__name__)


class Shard:
    """`token` names this process as a client."""

    def __init__(self, address: Address, name: str, *, token: str, timings: Timings) -> None:
        self._tenant, self._keys, self._timings = address.tenant, Keys(name), timings
        self._resolver = NodeResolver(address, self._keys)
        self._asking = ShardConnection(self._resolver)
        self._registry = registry = SessionRegistry(timings)
        keys, tenant = self._keys, self._tenant
        opening = Opening(address, keys, self._asking, token=token, timings=timings)
        self._placement = Placement(keys, self._asking, registry, opening, timings)
        lost = LostSessions(registry, self._placement, opening, timings)
        notices = keys.notices(tenant, token)
        self._event_reader = EventReader(keys, notices, registry, opening, timings)
        self._input_writer = InputWriter(keys, keys.news(tenant), registry, lost, timings)
        self._heartbeat = Heartbeat(
            keys, registry, lost, tenant=tenant, token=token, timings=timings
        )
        self._outage = Outage()
        self._starting = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None

    @property
    def sessions(self) -> dict[str, RedisSession]:
        """By key."""
        return self._registry.sessions

    async def start(self) -> None:
        """Find out whether Redis can be used, once; after it could not be used any more, again.

        :raises RuntimeFailure: when it cannot.
        """
        async with self._starting:
            if self._running is None:
                await self._asking.check()
                self._running = asyncio.create_task(self._run(), name="interject-redis")

    async def stop(self) -> None:
        """Leave the sessions to themselves."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._asking.aclose()

    async def capacity(self, name: str) -> Capacity:
        """How full the shard is, and whether it has a session."""
        reading = partial(read_capacity, keys=self._keys, tenant=self._tenant, name=name)
        return await self._asking.run(reading)

    async def begin(self, name: str, options: SessionOptions) -> RedisSession:
        """See `Placement.begin`."""
        return await self._placement.begin(name, options)

    async def _run(self) -> None:
        reading, beating = ShardConnection(self._resolver), ShardConnection(self._resolver)
        writing = ShardConnection(self._resolver, self._input_writer.connected)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._repeat(self._event_reader.read, reading), name="read")
                group.create_task(self._repeat(self._input_writer.write, writing), name="write")
                group.create_task(self._repeat(self._heartbeat.beat, beating), name="beat")
                group.create_task(self._watch(), name="watch")
        except* RuntimeFailure as failures:
            self._give_up(str(failures.exceptions[0]))
        except* Exception:
            logger.exception("the connection to redis failed")
            self._give_up("the connection to Redis failed; see the log")
        finally:
            for connection in (reading, writing, beating):
                await connection.aclose()

    async def _repeat(
        self, step: Callable[[RedisClient], Awaitable[None]], connection: ShardConnection
    ) -> None:
        await repeat_forever(step, connection, self._timings, self._outage)

    async def _watch(self) -> None:
        """Whatever Redis does meanwhile."""
        while True:
            await asyncio.sleep(WATCH_EVERY * self._timings.lost_s)
            for session in self.sessions.values():
                self._registry.availability.check(session, redis_away=self._outage.lasts)

    def _give_up(self, why: str) -> None:
        """Whoever opens the next session starts anew."""
        sessions = list(self.sessions.values())
        if sessions:
            logger.error(
                "redis cannot be used any more; its sessions end", extra={"count": len(sessions)}
            )
        for session in sessions:
            session.end(CloseReason.FAILURE, why)
            self._registry.drop(session)
        self._running = None
