"""Cues in a session that nobody but its listener sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.cues.pipeline import CuePipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.outputs import OutputEvent
    from interject.cli.output.session_observers import SessionObservers
    from interject.config import Profile
    from interject.model_runtime.protocol import Event

LISTENER = "listener"


class CueReader:
    """An `Output` of the session, and one who follows its events. `clock` is in seconds."""

    def __init__(
        self, profile: Profile, observers: SessionObservers, clock: Callable[[], float]
    ) -> None:
        self._observers = observers
        self._cues = CuePipeline(profile, lambda: [LISTENER], clock=clock)

    def beside(self, observer: Callable[[Event], None]) -> Callable[[Event], None]:
        """Who follows the session, and this one first."""

        def observe(event: Event) -> None:
            self._cues.observe(event)
            observer(event)

        return observe

    async def emit(self, event: OutputEvent) -> None:
        if (known := self._cues.add(event)) is not None:
            self._observers.tell(known)
