"""The sounds that a session plays itself, as replies call for them and people allow it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from interject.agent.soundboard.desk import SoundDesk
from interject.agent.soundboard.library import open_library
from interject.agent.soundboard.play_cue import PlayAction, PlayCue
from interject.model_runtime.protocol import FloorMode

if TYPE_CHECKING:
    from interject.agent.outputs import OutputEvent
    from interject.config import Profile, SoundboardSettings


CHECKED_HZ = 48_000


@runtime_checkable
class SoundCarrier(Protocol):
    """An `AudioSink` of a line that has one track: what is played goes along with what is said."""

    @property
    def sounds_rate_hz(self) -> int: ...

    def carry(self, desk: SoundDesk) -> None:
        """From now on, for as long as it lasts."""


class Soundboard:
    """An `Output`, and a `Listener` of consent: where nobody is listened to, nothing is played.
    Nor is anything before it is open, or where it never is.
    """

    def __init__(self, settings: SoundboardSettings) -> None:
        self._settings = settings
        self._desk: SoundDesk | None = None
        self._listening = True

    @property
    def is_open(self) -> bool:
        return self._desk is not None

    def open(self, rate_hz: int) -> SoundDesk:
        """It decodes files, the first time.

        :raises SoundboardFault: when one of them cannot be used.
        """
        library = open_library(self._settings, rate_hz)
        self._desk = SoundDesk(library, self._settings)
        return self._desk

    async def open_for(self, carrier: SoundCarrier) -> None:
        """:raises SoundboardFault: as `open` does."""
        carrier.carry(await asyncio.to_thread(self.open, carrier.sounds_rate_hz))

    async def emit(self, event: OutputEvent) -> None:
        self.tell(event)

    def tell(self, event: OutputEvent) -> None:
        if self._desk is None or not isinstance(event, PlayCue) or not event.aloud:
            return
        if event.action is PlayAction.STOP:
            self._desk.stop()
        elif self._listening:
            self._desk.play(event.sound)

    def heard(self, level_dbfs: float) -> None:
        """Of people, in what is played next."""
        if self._desk is not None and level_dbfs >= self._settings.ducking.speech_dbfs:
            self._desk.heard_speech()

    def talked_over(self) -> None:
        """Somebody takes the floor."""
        if self._desk is not None:
            self._desk.talked_over()

    def silence(self) -> None:
        """At once."""
        if self._desk is not None:
            self._desk.silence()

    def set_mode(self, mode: FloorMode) -> None:
        if mode is not FloorMode.SPEAK:
            self.silence()

    # What consent switches

    def exclude(self, identity: str) -> None:
        """Who is not heard may hear."""

    def include(self, identity: str) -> None:
        """Who is not heard may hear."""

    def stop_listening(self) -> None:
        self._listening = False
        self.silence()

    def resume_listening(self) -> None:
        self._listening = True


def check_sounds(profile: Profile) -> None:
    """Before a server takes its first call.

    :raises SoundboardFault: when a sound cannot be used that the profile plays.
    """
    if plays_aloud(profile):
        open_library(profile.soundboard, CHECKED_HZ)


def plays_aloud(profile: Profile) -> bool:
    return profile.soundboard.play == "track" and bool(profile.soundboard.sounds)
