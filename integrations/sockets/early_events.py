"""What comes over a socket before there is an agent that takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.integrations.sockets.socket_events import Paused, TrackAudio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.integrations.sockets.socket_events import SocketEvent

MOST_SOUNDS = 200
"""2 s of two tracks."""
MOST_OTHERS = 400


class EarlyEvents:
    """In order: the last of the sound, and the first of everything else. A pause is never lost."""

    def __init__(self) -> None:
        self._events: dict[int, SocketEvent] = {}
        self._sounds: dict[int, None] = {}
        self._count = 0

    def add(self, event: SocketEvent) -> None:
        self._count += 1
        if isinstance(event, TrackAudio):
            self._sounds[self._count] = None
            if len(self._sounds) > MOST_SOUNDS:
                self._drop_first_sound()
        elif len(self._events) - len(self._sounds) >= MOST_OTHERS and event != Paused():
            return
        self._events[self._count] = event

    def taken(self) -> Iterator[SocketEvent]:
        """Each once."""
        while self._events:
            yield self._events.pop(next(iter(self._events)))
        self._sounds.clear()

    def _drop_first_sound(self) -> None:
        first = next(iter(self._sounds))
        del self._sounds[first], self._events[first]
