"""Beginning a session on a shard, or going on with one, as the workers answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import CloseReason, RuntimeBusy, RuntimeFailure
from interject.model_runtime.redis.client.resume import next_seq
from interject.model_runtime.redis.client.session import RedisSession
from interject.model_runtime.redis.requests import OpenVerdict

if TYPE_CHECKING:
    from interject.model_runtime.protocol import SessionOptions
    from interject.model_runtime.redis.client.opening import Opening
    from interject.model_runtime.redis.client.session_registry import SessionRegistry
    from interject.model_runtime.redis.connection import ShardConnection
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.requests import OpenAnswer
    from interject.model_runtime.redis.timings import Timings

BUSY_RETRY_S = 5.0


class Placement:
    """Of one shard; `connection` is the one that `opening` asks over."""

    def __init__(
        self,
        keys: Keys,
        connection: ShardConnection,
        registry: SessionRegistry,
        opening: Opening,
        timings: Timings,
    ) -> None:
        self._keys = keys
        self._connection = connection
        self._registry = registry
        self._opening = opening
        self._timings = timings

    async def begin(self, name: str, options: SessionOptions) -> RedisSession:
        """Begin a session, or go on with one whose client has gone.

        :raises RuntimeBusy: when every slot is taken.
        :raises RuntimeFailure: when nobody can take it, or another client has it.
        """
        answer = await self._opening.ask(
            name, options, unwanted=partial(self.turn_down, name, options)
        )
        match answer.verdict:
            case OpenVerdict.IN_USE:
                raise RuntimeFailure(
                    f"session {options.session_id} is open already, in another client"
                )
            case OpenVerdict.BUSY:
                raise RuntimeBusy("every slot of every worker is taken", retry_after_s=BUSY_RETRY_S)
            case OpenVerdict.REFUSED:
                raise RuntimeFailure(answer.error)
        resumes_at = 0
        if answer.verdict is OpenVerdict.ATTACHED:
            resumes_at = await self._connection.run(partial(next_seq, keys=self._keys, key=name))
        return self._join(name, options, answer, resumes_at)

    def turn_down(self, name: str, options: SessionOptions, late: OpenAnswer) -> None:
        """Whoever asked for the session has gone; its slot is for others."""
        placed = late.verdict in (OpenVerdict.PLACED, OpenVerdict.ATTACHED)
        if placed and name not in self._registry.sessions:
            self._join(name, options, late).begin_close(CloseReason.CLIENT)

    def _join(
        self, name: str, options: SessionOptions, answer: OpenAnswer, resumes_at: int = 0
    ) -> RedisSession:
        session = RedisSession(
            options,
            name,
            generation=answer.generation,
            read_to=answer.read_to,
            resumes_at=resumes_at,
            answer_s=self._timings.open_s,
            close_s=self._timings.close_s,
            wake=partial(self._registry.unsent.add, name),
            reply_taken=self._registry.taken.add,
        )
        session.grace_ms = answer.grace_ms
        if answer.verdict is OpenVerdict.ATTACHED:
            session.opened.set_result(None)
        self._registry.add(session)
        return session
