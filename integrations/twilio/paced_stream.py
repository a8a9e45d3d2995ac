"""What is sent next to a telephone, and when: it holds no socket and waits for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.integrations.audio.playout_buffer import PlayoutBuffer
from interject.integrations.twilio.marks import MarkLedger
from interject.integrations.twilio.messages import clear_message, mark_message, media_message

if TYPE_CHECKING:
    from interject.integrations.twilio.messages import Outgoing
    from interject.integrations.twilio.sound_codec import SoundCodec

FRAME_S = 0.02
MOST_AHEAD_S = 0.2
"""What is further ahead of the clock has to be taken back by a `clear`, and arrives in vain."""
FRAMES_A_MARK = 5


class PacedStream:
    """Frames of 20 ms, at most 200 ms ahead of the clock, and a mark every 100 ms."""

    def __init__(self, codec: SoundCodec, stream_sid: str) -> None:
        self._codec = codec
        self._stream_sid = stream_sid
        self._buffer = PlayoutBuffer(codec.rate_hz)
        self._marks = MarkLedger()
        self._frame_samples = round(FRAME_S * codec.rate_hz)
        self._unmarked = 0
        self._finishing = False
        self._clearing = False
        self.plays_until = 0.0

    @property
    def held_s(self) -> float:
        return self._buffer.held_s

    @property
    def position_samples(self) -> int:
        return self._buffer.written_position(self._marks.played_samples)

    @property
    def all_sent(self) -> bool:
        return not (self._buffer.held_s or self._unmarked or self._clearing)

    @property
    def all_played(self) -> bool:
        return self.all_sent and not self._marks.out

    def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        self._finishing = False
        self._buffer.write(pcm, sample_rate_hz)

    def finish(self) -> None:
        """A reply is over: its last piece goes out, however short it is."""
        self._finishing = True
        self._buffer.finish()

    def clear(self) -> None:
        """Only what is known to have been played was ever heard."""
        self._buffer.clear(self._marks.played_samples)
        self._marks.restart(self._buffer.taken)
        self._unmarked = 0
        self._finishing = False
        self._clearing = True
        self.plays_until = 0.0

    def mark_came_back(self, name: str) -> bool:
        return self._marks.came_back(name)

    def take_as_played(self) -> None:
        """The last mark never came back."""
        self._marks.restart(self._buffer.taken)

    def due_at(self, now: float) -> float | None:
        """When the next message may leave: at once is `now`, and none is waited for by nobody."""
        if self._clearing or self._mark_due:
            return now
        if not self._frame_held:
            return None
        return max(now, self.plays_until + FRAME_S - MOST_AHEAD_S)

    def next_message(self, now: float) -> Outgoing:
        """The one that is due."""
        if self._clearing:
            self._clearing = False
            return clear_message(self._stream_sid)
        if self._mark_due:
            self._unmarked = 0
            return mark_message(self._stream_sid, self._marks.next_name(self._buffer.taken))
        samples = self._buffer.take(self._frame_samples)
        self._unmarked += 1
        self.plays_until = max(self.plays_until, now) + len(samples) / self._codec.rate_hz
        return media_message(self._stream_sid, self._codec.encode(samples))

    @property
    def _mark_due(self) -> bool:
        last = self._finishing and not self._buffer.held_samples
        return self._unmarked >= FRAMES_A_MARK or (last and self._unmarked > 0)

    @property
    def _frame_held(self) -> bool:
        return self._buffer.held_samples >= (1 if self._finishing else self._frame_samples)
