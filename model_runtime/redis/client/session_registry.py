"""The sessions that this process has on one shard, and what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from interject.model_runtime.redis.client.damage import Damage
from interject.model_runtime.redis.client.pending_keys import PendingKeys
from interject.model_runtime.redis.client.worker_availability import WorkerAvailability
from interject.model_runtime.redis.errors import Handling, handling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.model_runtime.redis.client.damage import SessionKey
    from interject.model_runtime.redis.client.session import RedisSession
    from interject.model_runtime.redis.timings import Timings


class SessionRegistry:
    """`unsent` are those that have something to send, `taken` those in which the begin of a reply
    was taken since the last beat.
    """

    def __init__(self, timings: Timings) -> None:
        self.sessions: dict[str, RedisSession] = {}
        self.unsent, self.taken = PendingKeys(), PendingKeys()
        self.damage = Damage(timings.lost_s)
        self.availability = WorkerAvailability(timings)

    def add(self, session: RedisSession) -> None:
        self.sessions[session.key] = session
        self.availability.served(session)

    def known(self, keys: Iterable[str]) -> list[RedisSession]:
        return [self.sessions[key] for key in keys if key in self.sessions]

    def drop(self, session: RedisSession) -> None:
        """Under its key there may be another one by now."""
        self.damage.forget(session)
        self.availability.forget(session)
        if self.sessions.get(session.key) is session:
            del self.sessions[session.key]

    def is_usable(self, session: RedisSession, key: SessionKey, answer: object) -> bool:
        """Whether a key of a session is as it should be.

        :raises RedisError: when Redis could not say.
        """
        if isinstance(answer, RedisError):
            if handling(answer) is not Handling.SESSION:
                raise answer
            self.damage.found(session, key)
            return False
        self.damage.mended(session, key)
        return True
