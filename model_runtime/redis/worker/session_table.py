"""The sessions that a worker has."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interject.model_runtime.names import shown
from interject.model_runtime.redis.worker.owned_session import OwnershipState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, KeysView

    from interject.model_runtime.redis.worker.engine_host import EngineHost
    from interject.model_runtime.redis.worker.owned_session import OwnedSession
    from interject.model_runtime.telemetry.worker_watch import WorkerObserver

logger = logging.getLogger(__name__)


class SessionTable:
    """By their keys; whatever of a session has ended is not here. `on_end` is told each key.

    `unwritten` are those of which something waits to be written, or is being written. `taken_away`
    holds the keys and epochs of those that other workers took over since it was last emptied.
    """

    def __init__(
        self, host: EngineHost, observer: WorkerObserver, *, on_end: Callable[[str], None]
    ) -> None:
        self._host = host
        self._observer = observer
        self._on_end = on_end
        self._sessions: dict[str, OwnedSession] = {}
        self.unwritten: dict[OwnedSession, None] = {}
        self.taken_away: list[tuple[str, int]] = []

    def __len__(self) -> int:
        return len(self._sessions)

    def __contains__(self, key: object) -> bool:
        return key in self._sessions

    def __iter__(self) -> Iterator[OwnedSession]:
        """Those that are here now, whichever end meanwhile."""
        return iter(tuple(self._sessions.values()))

    @property
    def keys(self) -> KeysView[str]:
        """Of all sessions, always as they are."""
        return self._sessions.keys()

    def get(self, key: str) -> OwnedSession | None:
        """None where there is none of that key."""
        return self._sessions.get(key)

    def known(self, keys: Iterable[str]) -> list[OwnedSession]:
        """Those of the keys that are here."""
        return [self._sessions[key] for key in keys if key in self._sessions]

    def add(self, session: OwnedSession) -> None:
        """It may come back that was lost to another worker and not yet missed here."""
        known = self._sessions.get(session.key)
        if known is not None:
            self.lose(known)
        self._sessions[session.key] = session

    def lose(self, session: OwnedSession) -> None:
        """Another worker has it; it may have come back here since, under a new epoch."""
        if session.state is OwnershipState.ENDED:
            return
        logger.warning("a session was taken over", extra={"session": shown(session.key)})
        self._observer.fenced(session.options.session_id)
        self.taken_away.append((session.key, session.epoch))
        self._host.abandon(session)
        self.end(session)

    def end(self, session: OwnedSession) -> None:
        """Nothing more is done for it. Whoever waited for Redis meanwhile may say so again."""
        if session.state is OwnershipState.ENDED:
            return
        session.move(OwnershipState.ENDED)
        self._on_end(session.key)
        del self._sessions[session.key]
        self.unwritten.pop(session, None)
