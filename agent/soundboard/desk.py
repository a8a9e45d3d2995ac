"""All sounds of one session as they are heard: under speech, one after another, never too loud."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.soundboard.fade import Ducking, Fade
from interject.agent.soundboard.limiter import Limiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from interject.agent.soundboard.library import LibrarySound, SoundboardLibrary
    from interject.config import SoundboardSettings

CUT_S = 0.02
"""At once, as far as it does not click."""
TALKED_OVER_S = 0.2
MOST_AT_ONCE = 8
FULL_SCALE = 32_768.0


@dataclass(slots=True)
class _Playing:
    sound: LibrarySound
    fade: Fade
    at: int = 0

    def take(self, count: int) -> NDArray[np.float32]:
        part = self.sound.samples[self.at : self.at + count]
        self.at += count
        gains = self.fade.gains(count)
        return part * gains[: len(part)]

    @property
    def left(self) -> int:
        return max(0, len(self.sound.samples) - self.at)

    @property
    def is_over(self) -> bool:
        return self.left == 0 or self.fade.is_over


def _nobody() -> None:
    """Whoever takes it does so all the time."""


class SoundDesk:
    """Counts in samples that are taken, so it needs no clock: whoever takes them keeps time.

    A bed lasts until another one takes its place or it is stopped: before its end it gives way to
    itself.
    """

    def __init__(self, library: SoundboardLibrary, settings: SoundboardSettings) -> None:
        self._library = library
        self._fades = settings.fades
        self.rate_hz = library.rate_hz
        ducking = settings.ducking.model_dump(exclude={"speech_dbfs"})
        self._ducking = Ducking(self.rate_hz, **ducking)
        self._limiter = Limiter(self.rate_hz, settings.loudness.ceiling_dbfs)
        self._playing: list[_Playing] = []
        self.on_play: Callable[[], None] = _nobody
        """Called when something is to be taken."""
        self._speech = False

    @property
    def is_playing(self) -> bool:
        return bool(self._playing)

    def play(self, name: str) -> None:
        """An effect beside what plays; a bed in the place of another, unless it lies there."""
        sound = self._library[name]
        self.on_play()
        if sound.is_bed:
            if not any(one.sound is sound and not one.fade.is_going for one in self._playing):
                self._lay(sound)
            return
        effects = [one for one in self._playing if not (one.sound.is_bed or one.fade.is_going)]
        if len(effects) >= MOST_AT_ONCE:
            effects[0].fade.out(CUT_S)
        self._playing.append(_Playing(sound, Fade(self.rate_hz, in_s=0.0)))

    def stop(self) -> None:
        """Beds fade out as they usually do, and effects are cut short."""
        for one in self._playing:
            one.fade.out(self._fades.out_s if one.sound.is_bed else TALKED_OVER_S)

    def talked_over(self) -> None:
        """Somebody takes the floor: an effect gives way, and a bed is only ducked."""
        for one in self._playing:
            if not one.sound.is_bed:
                one.fade.out(TALKED_OVER_S)

    def silence(self) -> None:
        """At once."""
        for one in self._playing:
            one.fade.out(CUT_S)

    def heard_speech(self) -> None:
        """Somebody speaks in what is taken next."""
        self._speech = True

    def take(self, count: int, under: NDArray[np.int16] | None = None) -> NDArray[np.int16]:
        """The next samples, mixed with what is said in them: `under` has as many, or fewer."""
        mixed = np.zeros(count, np.float32)
        at = 0
        while at < count:
            until = at + min(count - at, self._until_next_bed())
            for one in self._playing:
                part = one.take(until - at)
                mixed[at : at + len(part)] += part
            at = until
        speech = self._speech or (under is not None and bool(under.any()))
        mixed *= self._ducking.gains(count, speech=speech)
        self._speech = False
        self._playing = [one for one in self._playing if not one.is_over]
        if under is not None:
            mixed[: len(under)] += under / np.float32(FULL_SCALE)
        limited = self._limiter.limited(mixed)
        return np.asarray(np.rint(limited * (FULL_SCALE - 1)), np.int16)

    def _until_next_bed(self) -> int:
        """Samples that no bed gives way to itself in; one whose time has come does so now."""
        for one in self._lasting_beds():
            if one.left <= self._overlap(one):
                self._lay(one.sound)
        ahead = (one.left - self._overlap(one) for one in self._lasting_beds())
        return min(ahead, default=sys.maxsize)

    def _lasting_beds(self) -> tuple[_Playing, ...]:
        return tuple(one for one in self._playing if one.sound.is_bed and not one.fade.is_going)

    def _lay(self, sound: LibrarySound) -> None:
        beds = self._lasting_beds()
        seconds = self._fades.crossfade_s if beds else self._fades.in_s
        for one in beds:
            seconds = min(seconds, one.left / self.rate_hz)
            one.fade.out(seconds)
        self._playing.append(_Playing(sound, Fade(self.rate_hz, in_s=seconds)))

    def _overlap(self, one: _Playing) -> int:
        """How much before its end it begins anew; of a short bed half of it at most."""
        longest = len(one.sound.samples) // 2
        return min(longest, round(self._fades.crossfade_s * self.rate_hz))
