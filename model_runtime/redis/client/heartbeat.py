"""Saying of each session that its client is still there, over a connection of its own.

Redis' answer says whether it knows the session, and whether another client has it.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import CloseReason
from interject.model_runtime.redis.client.damage import SessionKey
from interject.model_runtime.redis.rate_limiter import sleep_unless
from interject.model_runtime.redis.round_robin import RoundRobin

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.redis.client.lost_sessions import LostSessions
    from interject.model_runtime.redis.client.session import RedisSession
    from interject.model_runtime.redis.client.session_registry import SessionRegistry
    from interject.model_runtime.redis.connection import Command, RedisClient
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.timings import Timings

SESSIONS_AT_ONCE = 32
CALM_BEATS = 2


class Heartbeat:
    """`token` names this process as a client."""

    def __init__(
        self,
        keys: Keys,
        registry: SessionRegistry,
        lost: LostSessions,
        *,
        tenant: str,
        token: str,
        timings: Timings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._keys = keys
        self._registry = registry
        self._lost = lost
        self._tenant = tenant
        self._token = token
        self._beat_s = timings.beat_s
        self._in_turn = RoundRobin(CALM_BEATS * timings.beat_s, clock)
        self._uneasy_in_turn = RoundRobin(timings.beat_s, clock)
        self._beat_at = 0.0
        self._looked_at = -math.inf

    async def beat(self, client: RedisClient) -> None:
        """All sessions in turn, few at a time: what comes in between goes first. Each once in
        `CALM_BEATS`, but once a beat where something was missing last.

        At once those in which the begin of a reply was taken: so another client is not told of a
        reply again that this one may have let be heard.
        """
        due = self._clock() >= self._beat_at
        taken = self._registry.taken
        keys = taken.take().union(self._whose_turn() if due else ())
        sessions = [s for s in self._registry.known(keys) if not self._lost.is_asked_for(s)]
        for first in range(0, len(sessions), SESSIONS_AT_ONCE):
            await self.attend_to(client, sessions[first : first + SESSIONS_AT_ONCE])
        if due:
            await self._lost.ask_again(client)
            turns = max(1, math.ceil(len(self._registry.sessions) / SESSIONS_AT_ONCE))
            self._beat_at = self._clock() + self._beat_s * min(1, CALM_BEATS / turns)
        await sleep_unless(taken.event, max(0.0, self._beat_at - self._clock()))

    def _whose_turn(self) -> list[str]:
        uneasy = self._lost.missed_keys | self._registry.damage.keys
        calm = self._in_turn.turn(self._registry.sessions)
        return calm + self._uneasy_in_turn.turn(uneasy) if uneasy else calm

    async def attend_to(self, client: RedisClient, sessions: list[RedisSession]) -> None:
        """Say of these that their client is there; once a beat, ask whether workers are."""
        commands: list[Command] = [
            (
                "SET", self._keys.client(s.key), f"{self._token} {s.generation} {s.taken_to}",
                "XX", "GET", "PX", s.grace_ms,
            )
            for s in sessions
        ]  # fmt: skip
        looks = self._clock() >= self._looked_at + self._beat_s
        if looks:
            self._looked_at = self._clock()
            commands.append(("GET", self._keys.room(self._tenant)))
        answers = await client.exchange(commands)
        if looks:
            self._registry.availability.found(workers=answers.pop() is not None)
        for session, before in zip(sessions, answers, strict=True):
            if self._registry.is_usable(session, SessionKey.CLIENT, before):
                self._judge(session, before)

    def _judge(self, session: RedisSession, before: bytes | None) -> None:
        """`before` is what this client or another one wrote there last, None that there was none:
        then Redis does not know the session.
        """
        if before is None:
            self._lost.missing(session)
            return
        token, _, rest = before.decode("ascii", "replace").partition(" ")
        generation = rest.partition(" ")[0]
        if token != self._token and generation.isdecimal() and int(generation) > session.generation:
            session.end(CloseReason.FAILURE, "another client has taken this session")
            return
        self._lost.found(session)
        self._registry.availability.known(session)
        if session.outbox.unsent():
            self._registry.unsent.add(session.key)
