"""Which of the sounds that replies name are played."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.config import SoundboardSettings


class SoundOutcome(StrEnum):
    """What becomes of a sound that a reply names, or by which rule it is not played."""

    PLAYED = "played"
    COOLDOWN = "cooldown"
    MOST_A_SESSION = "most_a_session"
    FORBIDDEN = "forbidden"


class SoundRules:
    """Of one session. Once they are `forbidden`, as somebody wished, no sound is played any more.
    `clock` is in seconds.
    """

    def __init__(self, settings: SoundboardSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._played = 0
        self._played_at: dict[str, float] = {}
        self.forbidden = False

    def judge(self, name: str) -> SoundOutcome:
        """What is played counts from now on."""
        now, most = self._clock(), self._settings.most_a_session
        last_at = self._played_at.get(name)
        if self.forbidden:
            return SoundOutcome.FORBIDDEN
        if last_at is not None and now - last_at < self._settings.cooldown_s:
            return SoundOutcome.COOLDOWN
        if most is not None and self._played >= most:
            return SoundOutcome.MOST_A_SESSION
        self._played += 1
        self._played_at[name] = now
        return SoundOutcome.PLAYED
