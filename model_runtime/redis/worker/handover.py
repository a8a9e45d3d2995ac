"""Leaving: every session is given to another worker, with a snapshot."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from interject.model_runtime.redis import scripts
from interject.model_runtime.redis.retry import suppressed_outage
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.worker.owned_session import OwnershipState

if TYPE_CHECKING:
    from interject.model_runtime.redis.connection import RedisClient, ShardConnection
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.timings import Timings
    from interject.model_runtime.redis.worker.engine_host import EngineHost
    from interject.model_runtime.redis.worker.membership import Lease
    from interject.model_runtime.redis.worker.session_table import SessionTable
    from interject.model_runtime.telemetry.worker_watch import WorkerObserver


class Handover:
    """Within `drain_s`. One that is still being restored leaves when it is there; what nobody has
    room for waits in Redis.
    """

    def __init__(
        self,
        keys: Keys,
        lease: Lease,
        sessions: SessionTable,
        host: EngineHost,
        *,
        timings: Timings,
        observer: WorkerObserver,
    ) -> None:
        self._keys = keys
        self._lease = lease
        self._sessions = sessions
        self._host = host
        self._timings = timings
        self._observer = observer

    async def drain(self, connection: ShardConnection) -> None:
        """Take nothing more, and hand over what there is."""
        self._lease.draining = True
        self._observer.draining()
        with contextlib.suppress(TimeoutError), suppressed_outage():
            async with asyncio.timeout(self._timings.drain_s):
                await connection.run(self._lease.renew)
                while len(self._sessions):
                    await connection.run(self._hand_over)
                    await asyncio.sleep(self._timings.tick_s)

    async def _hand_over(self, client: RedisClient) -> None:
        for session in self._sessions:
            if session.state is OwnershipState.SERVING:
                self._host.leave(session)
            elif session.state is OwnershipState.LEFT:
                await scripts.run(
                    client, Script.RELEASE, [self._keys.session(session.key)],
                    self._keys.prefix, session.key, self._lease.token, session.epoch,
                )  # fmt: skip
                self._sessions.end(session)
