"""What became of sessions, written into Redis, all that waits at once."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from interject.model_runtime.names import shown
from interject.model_runtime.redis.errors import FAILURES, passes, raise_errors, reason
from interject.model_runtime.redis.scripts import exchange_digests
from interject.model_runtime.redis.worker import writes
from interject.model_runtime.redis.worker.batch import Batch
from interject.model_runtime.redis.worker.owned_session import OwnershipState
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.worker.engine_host import EngineHost
    from interject.model_runtime.redis.worker.output_log import Write
    from interject.model_runtime.redis.worker.owned_session import OwnedSession
    from interject.model_runtime.redis.worker.recovery.assignments import Assignments
    from interject.model_runtime.redis.worker.session_table import SessionTable
    from interject.model_runtime.telemetry.worker_watch import WorkerObserver

MOST_FAILURES = 8
"""So many writes of one session alone are refused before it is given up."""

logger = logging.getLogger(__name__)


class OutputWriter:
    """After an error each session is written by a call of its own. `condemned` are those that could
    not be written so: what Redis holds of them is to be deleted.
    """

    def __init__(
        self,
        keys: Keys,
        token: str,
        sessions: SessionTable,
        host: EngineHost,
        assignments: Assignments,
        *,
        retention_ms: int,
        observer: WorkerObserver,
    ) -> None:
        self._keys = keys
        self._token = token
        self._sessions = sessions
        self._host = host
        self._assignments = assignments
        self._retention_ms = retention_ms
        self._observer = observer
        self._news = asyncio.Event()
        self._apart = False
        self.condemned: set[str] = set()

    def deliver(self, batches: list[Batch]) -> None:
        """Queue what sessions did; those that have ended here are not written any more."""
        for batch in batches:
            session = batch.session
            if session.state is OwnershipState.ENDED:
                continue
            if batch.closed:
                session.move(OwnershipState.ENDING)
            session.log.add(batch)
            self._sessions.unwritten[session] = None
            for item in batch.outputs:
                self._observer.output(item)
        self._news.set()

    def write_anew(self, session: OwnedSession) -> None:
        """All that this worker knows of a session. What the client knows, it sends again."""
        session.log.hold()
        session.log.add(Batch(session, (wire.Resend(),), ""))
        self._sessions.unwritten[session] = None
        self._host.snapshot(session)
        self._news.set()

    async def write(self, client: RedisClient) -> None:
        """Everything that is queued, as soon as something is; repeating it is harmless."""
        await self._news.wait()
        self._news.clear()
        try:
            await self._flush(client)
        except FAILURES:
            self._news.set()
            raise

    async def _flush(self, client: RedisClient) -> None:
        writing = [
            (session, write)
            for session in self._sessions.unwritten
            if (write := session.log.next_write()) is not None
        ]
        if not writing:
            return
        began = perf_counter()
        apart = self._apart
        calls = list(
            writes.calls(
                writing, self._keys, self._token, retention_ms=self._retention_ms, apart=apart
            )
        )
        answers = await exchange_digests(client, [command for _, command in calls])
        self._observer.wrote(perf_counter() - began)
        for (written, _), answer in zip(calls, answers, strict=True):
            if not isinstance(answer, RedisError):
                for (session, write), verdict in zip(written, answer, strict=True):
                    self._judge(session, write, verdict)
            elif apart and not passes(answer):
                self._strike(written[0][0], answer)
        self._apart = any(isinstance(a, RedisError) and not passes(a) for a in answers)
        raise_errors(answers)

    def _strike(self, session: OwnedSession, error: RedisError) -> None:
        """What Redis holds of a session lets nothing be written. No other is to wait for it."""
        session.failures += 1
        if session.failures < MOST_FAILURES or session.state is OwnershipState.ENDED:
            return
        logger.error(
            "a session cannot be written; what redis holds of it is deleted",
            extra={"session": shown(session.key), "reason": reason(error)},
        )
        self._host.abandon(session)
        self._sessions.end(session)
        self.condemned.add(session.key)

    def _judge(self, session: OwnedSession, write: Write, verdict: bytes) -> None:
        """A write in flight that was put together anew meanwhile has no verdict."""
        if session.state is OwnershipState.ENDED:
            return
        if verdict == b"fenced":
            self._sessions.lose(session)
        elif session.log.in_flight is not write:
            self._news.set()
        elif verdict == b"missing":
            session.log.hold()
        elif verdict == b"behind":
            session.log.hold()
            self._host.snapshot(session)
            self._news.set()
        else:
            self._settle(session)

    def _settle(self, session: OwnedSession) -> None:
        write = session.log.settle()
        session.failures = 0
        self._assignments.acquit(session.key)
        if write.closed:
            return self._sessions.end(session)
        if write.last:
            session.move(OwnershipState.LEFT)
        if session.log.waits:
            self._news.set()
        else:
            self._sessions.unwritten.pop(session, None)
