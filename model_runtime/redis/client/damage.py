"""Sessions of which Redis keeps something else than it should, as their client sees it."""

from __future__ import annotations

import time
from enum import Enum
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import CloseReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.redis.client.session import RedisSession


class SessionKey(Enum):
    """Of a session in Redis."""

    INPUT = "its input is gone from Redis"
    OUTPUT = "its events are gone from Redis"
    CLIENT = "its client's name is gone from Redis"


class Damage:
    """A worker that has the session mends it within seconds; where none does, the session ends.

    Two findings that lie far apart are not about the same damage.
    """

    def __init__(self, patience_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience_s = patience_s
        self._clock = clock
        self._found: dict[tuple[RedisSession, SessionKey], tuple[float, float]] = {}

    def found(self, session: RedisSession, part: SessionKey) -> None:
        """It could not be used just now."""
        now = self._clock()
        since, last = self._found.get((session, part), (now, now))
        if now - last > self._patience_s / 2:
            since = now
        self._found[session, part] = since, now
        if now - since > self._patience_s:
            session.end(CloseReason.FAILURE, f"{part.value}, and no worker brings it back")

    @property
    def keys(self) -> set[str]:
        """Of sessions of which something could not be used when that was last tried."""
        return {session.key for session, _ in self._found}

    def mended(self, session: RedisSession, part: SessionKey) -> None:
        """It could."""
        if self._found:
            self._found.pop((session, part), None)

    def forget(self, session: RedisSession) -> None:
        """It has ended."""
        for part in SessionKey:
            self.mended(session, part)
