"""Whether workers serve a client's sessions: told of once, and waited for as long as it helps."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import CloseReason
from interject.model_runtime.redis.client.opening import PATIENCE_LEASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.redis.client.session import RedisSession
    from interject.model_runtime.redis.timings import Timings

logger = logging.getLogger(__name__)


class WorkerAvailability:
    """Of one shard. A session is served while events of it come, or while there are workers and it
    waits for nothing. Workers keep a silent client's session for the grace time and no longer.
    """

    def __init__(self, timings: Timings, clock: Callable[[], float] = time.monotonic) -> None:
        self._timings = timings
        self._clock = clock
        self._served_at: dict[RedisSession, float] = {}
        self._checked_at: dict[RedisSession, float] = {}
        self._unserved_at: float | None = None
        self._told = False

    def found(self, *, workers: bool) -> None:
        """Redis has said whether any worker lives. One that does shows itself within a lease."""
        now = self._clock()
        if workers:
            if self._told and self._unserved_at is not None:
                seconds = round(now - self._unserved_at, 2)
                logger.warning("workers serve this client again", extra={"seconds": seconds})
            self._unserved_at, self._told = None, False
            return
        if self._unserved_at is None:
            self._unserved_at = now
        patience_s = PATIENCE_LEASES * self._timings.worker_lease_s
        if not self._told and now - self._unserved_at > patience_s:
            self._told = True
            count = len(self._served_at)
            logger.warning(
                "no worker serves this client's sessions; waiting for one", extra={"count": count}
            )

    def known(self, session: RedisSession) -> None:
        """Redis has the session."""
        if self._unserved_at is None and not session.awaits_worker:
            self.served(session)

    def served(self, session: RedisSession) -> None:
        """It begins, or something of it has come."""
        self._served_at[session] = self._clock()

    def check(self, session: RedisSession, *, redis_away: bool) -> None:
        """End a session that has waited in vain. While this process stood still it did not wait."""
        now = self._clock()
        self._served_at.setdefault(session, now)
        stood_still_s = now - self._checked_at.get(session, now)
        self._checked_at[session] = now
        if stood_still_s > self._timings.lost_s:
            self._served_at[session] += stood_still_s
        unserved_s = now - self._served_at[session]
        if unserved_s > session.grace_ms / 1000 + self._timings.lost_s:
            missing = (
                "Redis could not be used" if redis_away else "no worker has served the session"
            )
            session.end(CloseReason.FAILURE, f"{missing} for {unserved_s:.0f} s")

    def forget(self, session: RedisSession) -> None:
        """It has ended."""
        self._served_at.pop(session, None)
        self._checked_at.pop(session, None)
