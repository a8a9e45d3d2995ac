"""Cues in a session that nobody but its listener sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.cues.pipeline import CuePipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interject.agent.floor import Verdict
    from interject.agent.outputs import OutputEvent
    from interject.cli.listen.file_sounds import FileSounds
    from interject.cli.output.session_observers import SessionObservers
    from interject.config import Profile
    from interject.model_runtime.protocol import Event, ReplyEnded, ReplyStarted

LISTENER = "listener"


class CueReader:
    """`Output` and `ReplyWatcher` of the session, which also follows its events. `clock` is in
    seconds. Without `sounds` the listener is shown what he may play.
    """

    def __init__(
        self,
        profile: Profile,
        source: str,
        observers: SessionObservers,
        clock: Callable[[], float],
        sounds: FileSounds | None = None,
    ) -> None:
        self._observers = observers
        self._sounds = sounds
        self._cues = CuePipeline(
            profile, source, lambda: [LISTENER], clock=clock, aloud=lambda: sounds is not None
        )

    def beside(self, observer: Callable[[Event], None]) -> Callable[[Event], None]:
        """Who follows the session, and this one first."""

        def observe(event: Event) -> None:
            self._cues.observe(event)
            observer(event)

        return observe

    async def emit(self, event: OutputEvent) -> None:
        self._tell_all(self._cues.add(event))

    def begin(self) -> None:
        """Show what there is to do."""
        self._tell_all(self._cues.begin())

    def started(self, started: ReplyStarted, verdict: Verdict) -> None:
        """Of a reply that has only begun there is nothing to tell."""

    def ended(self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict) -> None:
        self._observers.replied(started, ended, verdict)
        self._tell_all(self._cues.replied(started, ended, verdict))

    def finish(self) -> None:
        """Nothing more is heard."""
        self._tell_all(self._cues.finish())

    def _tell_all(self, events: Iterable[OutputEvent]) -> None:
        for event in events:
            self._observers.tell(event)
            if self._sounds is not None:
                self._sounds.tell(event)
