"""Mode, threshold and cap of an agent, however many sessions it has."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from interject.model_runtime.protocol import FloorMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interject.config import Profile

logger = logging.getLogger(__name__)


class SwitchedSession(Protocol):
    """What is switched before it is open holds from the moment when it is."""

    def set_mode(self, mode: FloorMode) -> None: ...

    def set_threshold(self, threshold: float) -> None: ...

    def set_cap(self, per_minute: int | None) -> None: ...


class SessionControls:
    """The `Controls` behind methods and attributes. `sessions` are those that are made by now; a
    later one is made with what holds then.
    """

    def __init__(
        self,
        profile: Profile,
        sessions: Callable[[], Iterable[SwitchedSession]],
        *,
        on_mode: Callable[[FloorMode], None],
    ) -> None:
        self.mode = FloorMode(profile.mode)
        self.threshold = profile.threshold
        self.cap = profile.reply.unprompted_per_minute
        self._sessions = sessions
        self._on_mode = on_mode

    def set_mode(self, mode: FloorMode) -> None:
        self.mode = mode
        self._on_mode(mode)
        for session in self._sessions():
            session.set_mode(mode)
        logger.info("The mode was set", extra={"mode": mode.value})

    def set_threshold(self, threshold: float) -> None:
        self.threshold = threshold
        for session in self._sessions():
            session.set_threshold(threshold)

    def set_cap(self, per_minute: int | None) -> None:
        self.cap = per_minute
        for session in self._sessions():
            session.set_cap(per_minute)
