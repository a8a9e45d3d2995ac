"""Keeping a worker's lease, and what depends on it: whose client has gone, who else has died."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import CloseReason
from interject.model_runtime.redis.rate_limiter import sleep_unless
from interject.model_runtime.redis.round_robin import RoundRobin

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.timings import Timings
    from interject.model_runtime.redis.worker.engine_host import EngineHost
    from interject.model_runtime.redis.worker.membership import FailureDetector, Lease, Renewal
    from interject.model_runtime.redis.worker.reconciler import Reconciler
    from interject.model_runtime.redis.worker.session_table import SessionTable

VISIT_EVERY = 0.1
"""Of the time after which a session without a client ends: as often is it looked whether it has."""


logger = logging.getLogger(__name__)


class LeaseKeeper:
    """One beat after the other; at once where the detector has found somebody dead.

    `renewed` is called whenever the lease was.
    """

    def __init__(
        self,
        lease: Lease,
        detector: FailureDetector,
        sessions: SessionTable,
        host: EngineHost,
        reconciler: Reconciler,
        *,
        timings: Timings,
        renewed: Callable[[], None],
    ) -> None:
        self._lease = lease
        self._detector = detector
        self._sessions = sessions
        self._host = host
        self._reconciler = reconciler
        self._timings = timings
        self._renewed = renewed
        self._visits = RoundRobin(VISIT_EVERY * timings.grace_s)
        self._bereaved = asyncio.Event()
        self._lapsed = self._starved = False

    async def beat(self, client: RedisClient) -> None:
        """Renew the lease, and look after some of the sessions."""
        await self._reconciler.count(client)
        visited = self._sessions.known(set(self._visits.turn(self._sessions.keys)))
        await self._reconciler.visit(client, visited)
        renewal = await self._lease.renew(client, [session.key for session in visited])
        self._renewed()
        await self._follow_up(client, renewal)
        await sleep_unless(self._bereaved, self._timings.beat_s)
        self._bereaved.clear()

    async def _follow_up(self, client: RedisClient, renewal: Renewal) -> None:
        """Where an exchange fails, the next beat does it again: its own lease has not lapsed."""
        self._lapsed |= renewal.lapsed
        self._starved |= renewal.starved
        suspects = [s for s in self._sessions if self._lapsed or s.log.held]
        await self._reconciler.reclaim(client, suspects)
        taken_away = list(self._sessions.taken_away)
        if self._starved and taken_away:
            await self._reconciler.acquit(client, taken_away)
            logger.warning(
                "sessions were taken over while this worker computed little",
                extra={"count": len(taken_away)},
            )
        del self._sessions.taken_away[: len(taken_away)]
        self._lapsed = self._starved = False
        for session in self._sessions.known(renewal.lonely):
            self._host.close(session, CloseReason.CLIENT, "the client has gone")

    async def look(self, client: RedisClient) -> None:
        """What a dead worker had is shared out in the next beat, which then comes at once."""
        await asyncio.sleep(self._timings.look_s)
        if not self._lease.draining and await self._detector.look(client):
            self._bereaved.set()
