"""Sessions that Redis does not know any more.

The worker that has one brings it back. What nobody brings back is asked for again, of any worker.
"""

from __future__ import annotations

import logging
import math
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from interject.model_runtime.names import shown
from interject.model_runtime.redis.client.opening import ASK_AGAIN_S
from interject.model_runtime.redis.errors import raise_errors
from interject.model_runtime.redis.requests import OpenVerdict

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from interject.model_runtime.redis.client.opening import Opening
    from interject.model_runtime.redis.client.placement import Placement
    from interject.model_runtime.redis.client.session import RedisSession
    from interject.model_runtime.redis.client.session_registry import SessionRegistry
    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.requests import OpenAnswer, OpenRequest
    from interject.model_runtime.redis.timings import Timings

logger = logging.getLogger(__name__)


class LostSessions:
    """Of one shard."""

    def __init__(
        self,
        registry: SessionRegistry,
        placement: Placement,
        opening: Opening,
        timings: Timings,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._clock = clock
        self._registry = registry
        self._placement = placement
        self._opening = opening
        self._lost_s = timings.lost_s
        self._missing_since: dict[RedisSession, float] = {}
        self._requests: dict[RedisSession, OpenRequest] = {}
        self._asked_at = -math.inf

    def missing(self, session: RedisSession) -> None:
        """Redis does not know it."""
        self._missing_since.setdefault(session, self._clock())

    def found(self, session: RedisSession) -> None:
        """Redis knows it."""
        self._missing_since.pop(session, None)

    @property
    def missed_keys(self) -> set[str]:
        """Of sessions that Redis does not know."""
        return {session.key for session in self._missing_since}

    def is_missing(self, session: RedisSession) -> bool:
        return session in self._missing_since

    def is_asked_for(self, session: RedisSession) -> bool:
        return session in self._requests

    async def ask_again(self, client: RedisClient) -> None:
        """For what no worker has brought back: Redis and the worker died together."""
        now = self._clock()
        self._forget_ended()
        for session, since in self._missing_since.items():
            lost = now - since > self._lost_s
            if lost and not session.ending and session not in self._requests:
                request, answered = self._opening.prepare(session.key, session.options)
                self._requests[session] = request
                answered.add_done_callback(partial(self._begin_again, session))
        if self._requests and now - self._asked_at > ASK_AGAIN_S:
            self._asked_at = now
            commands = [self._opening.command(request) for request in self._requests.values()]
            raise_errors(await client.exchange(commands))

    def _begin_again(self, session: RedisSession, answered: asyncio.Future[OpenAnswer]) -> None:
        """With another worker, which counts from 0: nothing was sent since it was asked, and what
        is in flight now was written before the session was missed.
        """
        answer = answered.result()
        self._requests.pop(session, None)
        if session.closed.is_set():
            self._placement.turn_down(session.key, session.options, answer)
        elif answer.verdict is OpenVerdict.PLACED:
            logger.warning("a session begins again", extra={"session": shown(session.key)})
            self.found(session)
            self._registry.availability.served(session)
            session.begin_again(answer.generation, answer.read_to)

    def _forget_ended(self) -> None:
        known = (*self._missing_since, *self._requests)
        for session in [session for session in known if session.closed.is_set()]:
            self._missing_since.pop(session, None)
            if (request := self._requests.pop(session, None)) is not None:
                self._opening.retire(request)
