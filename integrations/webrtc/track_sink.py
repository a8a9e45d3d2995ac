"""What the agent says, on its way into a WebRTC track."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

from interject.integrations.audio.playout_buffer import PlayoutBuffer
from interject.integrations.webrtc.speaking_track import FRAME_S, RATE_HZ, SpeakingTrack

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from interject.agent.soundboard.desk import SoundDesk

HELD_S = 0.4
RECEIVER_DELAY_S = 0.06
"""What a browser holds back of a track that comes evenly, until it says how much that is."""
MOST_DELAY_S = 1.0
PAUSE_FRAMES = 15
"""So many frames without a word, 0.3 s, are more than a voice needs between two clauses."""


class TrackSink:
    """An `AudioSink` behind any number of tracks, one after another: a connection that is made anew
    goes on with what the last one has not sent.

    Its position is what has been sent less what is still on its way: half of the round trip that
    RTCP reports and what the receiver holds back, which the page of ours reports and which is
    guessed for anybody else. It cannot be known whether a packet arrived. What was sent cannot be
    called back either, so after `clear` all of it counts.

    `on_voice` is called when the voice begins to be sent, and after it has ended.
    """

    def __init__(
        self,
        on_voice: Callable[[bool], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_voice = on_voice
        self._clock = clock
        self._buffer = PlayoutBuffer(RATE_HZ)
        self._sounds: SoundDesk | None = None
        self._sent: deque[tuple[float, int]] = deque([(0.0, 0)])
        self._changed = asyncio.Event()
        self._idle_frames = 0
        self.speaking = False
        self.round_trip_s = 0.0
        self.receiver_delay_s = RECEIVER_DELAY_S

    @property
    def sounds_rate_hz(self) -> int:
        return RATE_HZ

    def carry(self, desk: SoundDesk) -> None:
        self._sounds = desk

    def track(self) -> SpeakingTrack:
        """A new one, which takes the place of the last."""
        return SpeakingTrack(self._take, clock=self._clock)

    @property
    def delay_s(self) -> float:
        return min(MOST_DELAY_S, self.round_trip_s / 2 + self.receiver_delay_s)

    @property
    def position_samples(self) -> int:
        return self._buffer.written_position(self._played())

    def begin(self, at_s: float) -> None:
        """Real time does not follow the stream."""

    async def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        self._buffer.write(pcm, sample_rate_hz)
        while self._buffer.held_s > HELD_S:
            await self._change()

    async def drain(self) -> None:
        self._buffer.finish()
        while self._buffer.held_s:
            await self._change()
        await asyncio.sleep(self._sent[-1][0] + self.delay_s - self._clock())

    async def clear(self) -> None:
        """The next frame is silent."""
        self._buffer.clear()
        self._sent.clear()
        self._sent.append((self._clock(), self._buffer.taken))
        self._changed.set()

    def advance(self, to_s: float) -> None:
        """Real time does not follow the stream."""

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _take(self, samples: int) -> NDArray[np.int16]:
        said = self._buffer.take(samples)
        if len(said):
            self._sent.append((self._clock() + FRAME_S, self._buffer.taken))
            self._changed.set()
        self._follow(bool(len(said)))
        sounds = self._sounds
        return sounds.take(samples, said) if sounds is not None and sounds.is_playing else said

    def _played(self) -> int:
        """Of what was taken: a frame counts as a whole, once its end is heard."""
        now = self._clock() - self.delay_s
        while len(self._sent) > 1 and self._sent[1][0] <= now:
            self._sent.popleft()
        return self._sent[0][1]

    def _follow(self, said: bool) -> None:
        self._idle_frames = 0 if said else self._idle_frames + 1
        speaking = said or (self.speaking and self._idle_frames < PAUSE_FRAMES)
        if speaking != self.speaking:
            self.speaking = speaking
            self._on_voice(speaking)
