"""Where Interject's voice goes: a loudspeaker, a room track, a file."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from interject.model_runtime.protocol import SAMPLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

EPSILON_SAMPLES = 1e-6


class AudioSink(Protocol):
    """Plays signed 16-bit mono PCM in the order written.

    A sink in real time lets `write` wait, so that it holds about one frame (400 ms): what is held
    is what a barge-in has to take back.
    """

    @property
    def position_samples(self) -> int:
        """Samples played since the sink was made, counted at the rate they were written with.

        What `clear` threw away never counts.
        """

    def begin(self, at_s: float) -> None:
        """A reply begins that belongs to this second of the stream. Real time may ignore it."""

    async def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        """Take more sound, and return when there is room for the next."""

    async def drain(self) -> None:
        """Return when everything written has been played."""

    async def clear(self) -> None:
        """Stop at once and forget what has not been played."""

    def advance(self, to_s: float) -> None:
        """The stream has reached this second; infinity: it has ended. Real time may ignore it."""


@dataclass(slots=True)
class _Segment:
    start_s: float
    sample_rate_hz: int
    pcm: bytearray = field(repr=False)


def _discard(start_s: float, pcm: bytes, sample_rate_hz: int) -> None:
    """Sound that nobody asked for."""


class TimelineSink:
    """Plays on the stream's own time, so that a file read at any speed gives the same result.

    `on_sound(start_s, pcm, sample_rate_hz)` gets each piece once it has been played, in order,
    with the second of the stream at which it was heard. What is cut off never arrives there.
    """

    def __init__(self, on_sound: Callable[[float, bytes, int], None] = _discard) -> None:
        self._on_sound = on_sound
        self._segments: deque[_Segment] = deque()
        self._now_s = 0.0
        self._end_s = 0.0
        self._position = 0
        self._changed = asyncio.Event()

    @property
    def position_samples(self) -> int:
        return self._position

    def begin(self, at_s: float) -> None:
        self._end_s = max(self._end_s, at_s)

    async def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        self._segments.append(_Segment(self._end_s, sample_rate_hz, bytearray(pcm)))
        self._end_s += len(pcm) // SAMPLE_BYTES / sample_rate_hz
        self._play()

    async def drain(self) -> None:
        while self._segments:
            self._changed.clear()
            await self._changed.wait()

    async def clear(self) -> None:
        if self._segments:
            self._end_s = self._segments[0].start_s
        self._segments.clear()
        self._changed.set()

    def advance(self, to_s: float) -> None:
        self._now_s = max(self._now_s, to_s)
        self._play()

    def _play(self) -> None:
        while self._segments:
            segment = self._segments[0]
            held = len(segment.pcm) // SAMPLE_BYTES
            passed_s = self._now_s - segment.start_s
            due = int(min(held, max(0.0, passed_s * segment.sample_rate_hz + EPSILON_SAMPLES)))
            if due:
                self._deliver(segment, due)
            if due < held:
                return
            self._segments.popleft()
        self._changed.set()

    def _deliver(self, segment: _Segment, samples: int) -> None:
        size = samples * SAMPLE_BYTES
        self._position += samples
        self._on_sound(segment.start_s, bytes(segment.pcm[:size]), segment.sample_rate_hz)
        del segment.pcm[:size]
        segment.start_s += samples / segment.sample_rate_hz
