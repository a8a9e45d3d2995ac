"""What is sent next to a line, and when: it holds no socket and waits for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from interject.integrations.audio.mark_ledger import MarkLedger
from interject.integrations.audio.playout_buffer import PlayoutBuffer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.agent.soundboard.desk import SoundDesk
    from interject.integrations.audio.speech_wire import Pace, SpeechWire

Sent = TypeVar("Sent")

LONGEST_LATE_S = 2.0
"""Who begins to play later than this has run out of sound in the middle."""


class PacedStream(Generic[Sent]):
    """Frames no further ahead of the clock than the line's pace allows, and marks between them.

    What is further ahead has to be taken back by a `clear`, and arrives in vain.
    """

    def __init__(self, wire: SpeechWire[Sent], pace: Pace) -> None:
        self._wire = wire
        self._pace = pace
        self._buffer = PlayoutBuffer(pace.rate_hz)
        self._marks = MarkLedger()
        self._unmarked = 0
        self._finishing = False
        self._clearing = False
        self._played = 0
        self._held_back_until = 0.0
        self._began_at = 0.0
        self._late_s = 0.0
        self.speech_until = 0.0
        self.plays_until = 0.0
        self.sounds: SoundDesk | None = None
        """Played along with speech, and where there is none."""

    @property
    def rate_hz(self) -> int:
        return self._pace.rate_hz

    @property
    def has_marks(self) -> bool:
        return self._pace.frames_a_mark > 0

    @property
    def held_s(self) -> float:
        return self._buffer.held_s

    def position_samples(self, now: float) -> int:
        """Of what was written."""
        return self._buffer.written_position(self._played_samples(now))

    @property
    def all_sent(self) -> bool:
        return not (self._buffer.held_s or self._mark_owed or self._clearing)

    def all_played(self, now: float) -> bool:
        played = not self._marks.out if self.has_marks else now >= self.speech_until
        return self.all_sent and played

    def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        self._finishing = False
        self._buffer.write(pcm, sample_rate_hz)

    def finish(self) -> None:
        """A reply is over: its last piece goes out, however short it is."""
        self._finishing = True
        self._buffer.finish()

    def clear(self, now: float) -> None:
        """Only what is known to have been played was ever heard; where the line cannot forget,
        everything that was sent.
        """
        self._clearing = self._pace.clears
        if self._clearing:
            self.plays_until = 0.0
        else:
            self.take_as_played()
        self._buffer.clear(self._played_samples(now))
        self._restart()
        self._unmarked = 0
        self._finishing = False

    def hold_back(self, until: float) -> None:
        """No speech is due before."""
        self._held_back_until = max(self._held_back_until, until)

    def playback_began(self, now: float) -> None:
        """The line plays only now what it was sent when it had nothing to play; what follows it
        plays as late.
        """
        late_s = now - self._began_at
        if 0.0 <= late_s <= LONGEST_LATE_S:
            self.speech_until += late_s - self._late_s
            self._late_s = late_s

    def mark_came_back(self, name: str) -> bool:
        return self._marks.came_back(name)

    def take_as_played(self) -> None:
        """All that was sent: the last mark never came back, or nothing can call it back."""
        self._restart()

    def due_at(self, now: float) -> float | None:
        """When the next message may leave: at once is `now`, and none is waited for by nobody."""
        if self._clearing or self._mark_due:
            return now
        if not self._frame_held and not self._sounding:
            return None
        paced_at = self.plays_until + self._pace.frame_s - self._pace.lead_s
        return max(now, paced_at, self._held_back_until)

    def next_message(self, now: float) -> Sent:
        """The one that is due."""
        if self._clearing:
            self._clearing = False
            return self._wire.clear()
        if self._mark_due:
            self._unmarked = 0
            return self._wire.mark(self._marks.next_name(self._buffer.taken))
        return self._wire.speak(self._frame(now))

    def _frame(self, now: float) -> NDArray[np.int16]:
        samples = self._buffer.take(self._pace.frame_samples if self._frame_held else 0)
        missing = self._pace.frame_samples - len(samples)
        begins = max(self.plays_until, now)
        if now > self.plays_until:
            self._began_at = now
        self.plays_until = begins + len(samples) / self._pace.rate_hz
        if len(samples):
            self._unmarked += 1
            self.speech_until = self.plays_until + self._late_s
        if self.sounds is not None and self._sounding:
            self.plays_until = begins + self._pace.frame_s
            return self.sounds.take(self._pace.frame_samples, samples)
        if self._pace.whole_frames and missing:
            self.plays_until = begins + self._pace.frame_s
            return np.pad(samples, (0, missing))
        return samples

    def _played_samples(self, now: float) -> int:
        if self.has_marks:
            return self._marks.played_samples
        ahead = max(0, round((self.speech_until - now) * self._pace.rate_hz))
        self._played = max(self._played, self._buffer.taken - ahead)
        return self._played

    def _restart(self) -> None:
        self._marks.restart(self._buffer.taken)
        self._played, self.speech_until = self._buffer.taken, 0.0

    @property
    def _mark_owed(self) -> bool:
        return self.has_marks and self._unmarked > 0

    @property
    def _mark_due(self) -> bool:
        last = self._finishing and not self._buffer.held_samples
        return self._mark_owed and (last or self._unmarked >= self._pace.frames_a_mark)

    @property
    def _sounding(self) -> bool:
        return self.sounds is not None and self.sounds.is_playing

    @property
    def _frame_held(self) -> bool:
        wanted = 1 if self._finishing else self._pace.frame_samples
        return self._buffer.held_samples >= wanted
