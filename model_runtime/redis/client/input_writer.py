"""Writing frames and controls of all sessions of a shard, over one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import ConnectionError

from interject.model_runtime.redis.client.damage import SessionKey
from interject.model_runtime.redis.errors import FAILURES, is_there_already
from interject.model_runtime.redis.notifier import notify
from interject.model_runtime.redis.rate_limiter import RateLimiter
from interject.model_runtime.redis.streams import add

if TYPE_CHECKING:
    from interject.model_runtime.redis.client.lost_sessions import LostSessions
    from interject.model_runtime.redis.client.session import RedisSession
    from interject.model_runtime.redis.client.session_registry import SessionRegistry
    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.timings import Timings
    from interject.model_runtime.remote import wire

LONGEST_INPUT = 1_000
ENTRIES_AT_ONCE = 256
"""Redis keeps all of them twice for a moment: 3 MB, and at most one session's more."""

Sending = tuple["RedisSession", int, "wire.Fields"]
"""An entry of a session, with its number."""


class InputWriter:
    """`news` is the stream in which the workers are told where there is something."""

    def __init__(
        self, keys: Keys, news: str, registry: SessionRegistry, lost: LostSessions, timings: Timings
    ) -> None:
        self._keys = keys
        self._news = news
        self._registry = registry
        self._lost = lost
        self._rate = RateLimiter(timings.tick_s)
        self._resending = True

    def connected(self) -> None:
        """A new connection may lead to a Redis that forgot everything: first say it all again.

        What is about to be sent was put together before that was known, so it must not go out.
        """
        self._resending = not self._resending
        if self._resending:
            for session in self._registry.sessions.values():
                session.outbox.send_again()
                self._registry.unsent.add(session.key)
            raise ConnectionError("connected anew")

    async def write(self, client: RedisClient) -> None:
        """What is overlooked is marked as unsent again by the heartbeat."""
        unsent = self._registry.unsent
        await unsent.event.wait()
        await self._rate.turn()
        sending = unsent.take()
        try:
            await self._flush(client, self._registry.known(sending))
        except FAILURES:
            unsent.update(sending)
            raise

    async def _flush(self, client: RedisClient, sessions: list[RedisSession]) -> None:
        """All that is unsent, the oldest first: of one session at once or not at all."""
        entries: list[Sending] = []
        for session in sessions:
            if not self._lost.is_missing(session):
                entries += [(session, number, item) for number, item in session.unsent_entries()]
            if len(entries) >= ENTRIES_AT_ONCE:
                await self._send(client, entries)
                entries = []
        if entries:
            await self._send(client, entries)

    async def _send(self, client: RedisClient, entries: list[Sending]) -> None:
        """No entry may overtake an earlier one, so either all are written or none."""
        commands = [
            add(
                self._keys.input(session.key), f"{session.generation}-{number}", fields,
                longest=LONGEST_INPUT,
            )
            for session, number, fields in entries
        ]  # fmt: skip
        commands.append(notify(self._news, {session.key for session, *_ in entries}))
        *results, _ = await client.transact(commands)
        for (session, number, _), result in zip(entries, results, strict=True):
            if is_there_already(result):
                session.outbox.sent(number)
            elif result is None:
                self._registry.damage.found(session, SessionKey.INPUT)
                session.outbox.send_again()
            elif self._registry.is_usable(session, SessionKey.INPUT, result):
                session.outbox.sent(number)
            else:
                session.outbox.send_again()
