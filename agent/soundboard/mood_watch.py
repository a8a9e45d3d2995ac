"""The mood of the last minutes, as the emotions of replies have it."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.config.soundboard import MoodSettings
    from interject.model_runtime.protocol import Emotion

MOST_REPLIES = 256


class MoodWatch:
    """A mood that leads by little, or has only begun to, changes nothing: music that follows every
    reply would be noise. Without any reply in the window the mood stays what it was. `clock` is in
    seconds.
    """

    def __init__(self, settings: MoodSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._replies: deque[tuple[float, Emotion]] = deque(maxlen=MOST_REPLIES)
        self._since_s = 0.0
        self.mood: Emotion | None = None

    def replied(self, emotion: Emotion) -> bool:
        """Whether the mood is another one now."""
        now = self._clock()
        self._replies.append((now, emotion))
        while now - self._replies[0][0] > self._settings.window_s:
            self._replies.popleft()
        counts = Counter(one for _, one in self._replies)
        leading, most = counts.most_common(1)[0]
        if leading is self.mood or not self._may_change(most, counts, now):
            return False
        self.mood, self._since_s = leading, now
        return True

    def _may_change(self, most: int, counts: Counter[Emotion], now: float) -> bool:
        if self.mood is None:
            return True
        lead = (most - counts[self.mood]) / counts.total()
        return lead >= self._settings.lead and now - self._since_s >= self._settings.stay_s
