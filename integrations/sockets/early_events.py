"""What comes over a socket before there is an agent that takes it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from interject.integrations.sockets.socket_events import Paused, TrackAudio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.integrations.sockets.socket_events import SocketEvent

KEPT_US = 2_000_000
"""Of each track."""
MOST_SOUNDS = 2_000
"""8 tracks in pieces of 20 ms come to 800."""
MOST_OTHERS = 400


class EarlyEvents:
    """In order: the last of the sound, and the first of everything else. A pause is never lost."""

    def __init__(self) -> None:
        self._events: dict[int, SocketEvent] = {}
        self._sounds: dict[int, TrackAudio] = {}
        self._held_us: Counter[str] = Counter()
        self._count = 0

    def add(self, event: SocketEvent) -> None:
        self._count += 1
        if isinstance(event, TrackAudio):
            self._sounds[self._count] = event
            self._held_us[event.track_id] += _microseconds(event)
            self._make_room(event.track_id)
        elif len(self._events) - len(self._sounds) >= MOST_OTHERS and event != Paused():
            return
        self._events[self._count] = event

    def taken(self) -> Iterator[SocketEvent]:
        """Each once."""
        while self._events:
            yield self._events.pop(next(iter(self._events)))
        self._sounds.clear()
        self._held_us.clear()

    def _make_room(self, track_id: str) -> None:
        while self._held_us[track_id] > KEPT_US and self._oldest(track_id) != self._count:
            self._drop(self._oldest(track_id))
        if len(self._sounds) > MOST_SOUNDS:
            self._drop(next(iter(self._sounds)))

    def _oldest(self, track_id: str) -> int:
        return next(at for at, one in self._sounds.items() if one.track_id == track_id)

    def _drop(self, at: int) -> None:
        sound = self._sounds.pop(at)
        self._held_us[sound.track_id] -= _microseconds(sound)
        del self._events[at]


def _microseconds(sound: TrackAudio) -> int:
    return len(sound.samples) * 1_000_000 // sound.rate_hz
