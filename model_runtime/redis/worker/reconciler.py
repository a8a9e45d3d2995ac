"""What Redis holds of a worker's sessions and what the worker has of them, made the same again."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING

from interject.model_runtime.names import shown
from interject.model_runtime.redis import scripts
from interject.model_runtime.redis.errors import raise_errors
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.timings import Timings, milliseconds
from interject.model_runtime.redis.worker import mending
from interject.model_runtime.redis.worker.owned_session import OwnershipState
from interject.model_runtime.remote import options_codec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.worker.membership import Lease
    from interject.model_runtime.redis.worker.output_writer import OutputWriter
    from interject.model_runtime.redis.worker.owned_session import OwnedSession
    from interject.model_runtime.redis.worker.session_table import SessionTable

COUNT_EVERY_S = 2.0

logger = logging.getLogger(__name__)


class Reconciler:
    """What Redis lost is written again where the worker knows it. What is another worker's by now
    is forgotten here; what should be this one's and is not is put on its list.
    """

    def __init__(
        self,
        keys: Keys,
        lease: Lease,
        sessions: SessionTable,
        writer: OutputWriter,
        *,
        timings: Timings,
    ) -> None:
        self._keys = keys
        self._lease = lease
        self._sessions = sessions
        self._output_writer = writer
        self._timings = timings
        self._counted_at = perf_counter()

    async def reclaim(self, client: RedisClient, sessions: list[OwnedSession]) -> None:
        """The lease had lapsed: find out what is still ours, and tell a Redis that forgot it."""
        if not sessions:
            return
        pipeline = client.pipeline(transaction=False)
        for session in sessions:
            scripts.queue(
                pipeline, Script.RECLAIM, [self._keys.session(session.key)],
                self._keys.prefix, session.key, self._lease.token, session.epoch,
                options_codec.encode_options(session.options), session.intake.generation,
                milliseconds(self._timings.grace_s),
            )  # fmt: skip
        for session, verdict in zip(sessions, await pipeline.execute(), strict=True):
            if verdict == b"fenced":
                self._sessions.lose(session)
            elif verdict == b"restored" and session.state is not OwnershipState.ENDED:
                self._output_writer.write_anew(session)

    async def acquit(self, client: RedisClient, taken_away: list[tuple[str, int]]) -> None:
        """This worker was starved: sessions that it lost did not cost it its lease."""
        calls = [
            scripts.call(Script.ACQUIT, [self._keys.session(key)], [self._keys.prefix, epoch])
            for key, epoch in taken_away
        ]
        raise_errors(await client.exchange(calls))

    async def count(self, client: RedisClient) -> None:
        """Look now and then for sessions that are this worker's and that it was not told of."""
        token = self._lease.token
        for key in tuple(self._output_writer.condemned):
            await mending.remove(client, self._keys, token, key)
            self._output_writer.condemned.discard(key)
        if self._lease.draining or perf_counter() < self._counted_at + COUNT_EVERY_S:
            return
        self._counted_at = perf_counter()
        for key in await mending.overlooked(client, self._keys, token, self._sessions):
            await client.ask(("RPUSH", self._keys.todo(token), key))

    async def visit(self, client: RedisClient, sessions: Iterable[OwnedSession]) -> None:
        """Look whether Redis still keeps everything of these sessions."""
        staying = [session for session in sessions if _stays(session)]
        kept_ms = milliseconds(self._timings.kept_s)
        for key in await mending.visit(client, self._keys, staying, kept_ms):
            logger.warning("redis has lost a part of a session", extra={"session": shown(key)})
            for session in self._sessions.known({key}):
                self._output_writer.write_anew(session)

    async def repair(self, client: RedisClient) -> None:
        """Where somebody put something else into Redis, take it away."""
        kinds = mending.shared(
            self._keys, self._lease.tenants, name=self._lease.name, token=self._lease.token
        )
        await mending.missing(client, self._keys, kinds)
        await self.visit(client, self._sessions)


def _stays(session: OwnedSession) -> bool:
    """Of one that leaves, or whose end is on its way, nothing is missed."""
    if session.state in (OwnershipState.LEAVING, OwnershipState.LEFT):
        return False
    return session.log.in_flight is None or not session.log.in_flight.closed
