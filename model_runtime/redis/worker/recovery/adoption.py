"""Taking sessions over that were given to this worker: new ones, and those of other workers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interject.model_runtime.names import shown
from interject.model_runtime.redis.errors import FAILURES
from interject.model_runtime.redis.worker.batch import Batch
from interject.model_runtime.redis.worker.owned_session import OwnedSession
from interject.model_runtime.redis.worker.recovery.orphaned_session import load
from interject.model_runtime.redis.worker.token_encoding import encode_prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.prompt_encoder import PromptEncoder
    from interject.model_runtime.protocol import RuntimeFailure
    from interject.model_runtime.redis.connection import Command, RedisClient
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.worker.engine_host import EngineHost
    from interject.model_runtime.redis.worker.output_writer import OutputWriter
    from interject.model_runtime.redis.worker.recovery.assignments import Assignments
    from interject.model_runtime.redis.worker.recovery.orphaned_session import OrphanedSession
    from interject.model_runtime.redis.worker.session_table import SessionTable
    from interject.model_runtime.telemetry.worker_watch import WorkerObserver

ADOPTIONS_A_READ = 4
"""All other sessions wait meanwhile."""

logger = logging.getLogger(__name__)


class Adoption:
    """As many as there are `slots`, the most urgent first."""

    def __init__(
        self,
        keys: Keys,
        token: str,
        assignments: Assignments,
        sessions: SessionTable,
        host: EngineHost,
        writer: OutputWriter,
        *,
        encoder: PromptEncoder,
        model: str,
        slots: int,
        observer: WorkerObserver,
    ) -> None:
        self._keys = keys
        self._token = token
        self._assignments = assignments
        self._sessions = sessions
        self._host = host
        self._output_writer = writer
        self._encoder = encoder
        self._model = model
        self._slots = slots
        self._observer = observer

    @property
    def question(self) -> Command:
        """What `adopt` takes the answer of."""
        return self._assignments.question

    async def adopt(self, client: RedisClient, answer: Sequence[bytes]) -> None:
        """A slot may still be held by a session that is lost and was not missed yet."""
        adopted = 0
        for orphan in await self._assignments.by_urgency(client, answer):
            full = orphan.key not in self._sessions and len(self._sessions) >= self._slots
            if full or adopted == ADOPTIONS_A_READ:
                continue
            adopted += 1
            try:
                await self._adopt(client, orphan)
            except FAILURES:
                self._assignments.postpone(orphan.key)
                raise

    async def _adopt(self, client: RedisClient, orphan: OrphanedSession) -> None:
        whole = await load(client, self._keys, orphan, token=self._token, model=self._model)
        if whole is None:
            return self._assignments.forget(orphan.key)
        prefix = await encode_prefix(self._encoder, whole.options)
        try:
            # The engine may die of it at once, and what is on the list then is not blamed for that.
            await self._assignments.strike(client, orphan.key)
        finally:
            known = self._sessions.get(whole.key)
            if known is None or known.epoch != whole.epoch:
                self._take_over(whole, prefix)

    def _take_over(self, orphan: OrphanedSession, prefix: ForwardInput | RuntimeFailure) -> None:
        session = OwnedSession.taken_over(orphan)
        self._sessions.add(session)
        self._observer.adopted(restored=orphan.known is not None)
        if orphan.failure:
            logger.error(
                "a session is lost", extra={"session": shown(session.key), "reason": orphan.failure}
            )
            self._output_writer.deliver(
                [Batch(session, orphan.farewell, orphan.cursor, closed=True)]
            )
        elif orphan.known is None:
            self._host.admit(session, prefix)
        else:
            self._host.restore(session, prefix, orphan.known)
