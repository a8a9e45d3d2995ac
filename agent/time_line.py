"""Where live sound belongs on a stream's line, by the source's clock and by ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import FRAME_S, SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

MIN_DRIFT_SPAN_S = 5.0
LATE_SPAN_S = 2.0
"""A source all of whose sound was late for so long will be late from now on."""


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """How far a live source may stray.

    A frame is closed `grace_s` after its end. A jump of a source's capture times by less than
    `jitter_s` is taken for jitter, until the jumps add up to more and the clock agrees. Sound up to
    `max_ahead_s` ahead of the clock is kept (a burst). After a standstill of more than
    `max_silence_s` the frames in between are skipped. A source that stays late is waited for, by
    at most as much.
    """

    grace_s: float = 0.2
    jitter_s: float = 0.1
    max_ahead_s: float = 2.0
    max_silence_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """Samples `first` .. `last - 1` of a block go onto the line, after so many of silence."""

    silence: int
    first: int
    last: int


class TimeLine:
    """Positions are samples from the stream's start; `end` is where the line ends now.

    `lead_s` is how much later sound stands on the line than its capture times say.
    """

    def __init__(self, clock: Callable[[], float], limits: LiveLimits) -> None:
        self.limits = limits
        self.missing = self.late = self.overflow = self.jumps = 0
        self._clock = clock
        self._began = self._beginning = False
        self._started_at = self._earliest_start = self._first_arrival = 0.0
        self._late_since = self._least_late_s = 0.0
        self._next_captured_at = self._lead_s = 0.0
        self._filled = 0
        self._rate_samples, self._rate_span_s = 0, 0.0

    def due(self, now: float | None = None) -> int:
        """How many frames' time is over."""
        if not self._began:
            return 0
        elapsed_s = (self._clock() if now is None else now) - self._started_at
        return int((elapsed_s - self.limits.grace_s) / FRAME_S)

    def place(self, end: int, samples: int, captured_at: float) -> Place:
        """Find a block's place: fill a hole before it, drop what is late or too far ahead."""
        now = self._clock()
        if self._began:
            self._rate_span_s = now - self._first_arrival
            self._rate_samples += samples
        else:
            self._begin(samples, captured_at, now)
        jump_s = captured_at - self._next_captured_at
        late_s = self._lead_s - jump_s - self._clock_lead_s(end + samples, now)
        jump = round(jump_s * SAMPLE_RATE_HZ)
        jumped = abs(jump) > round(self.limits.jitter_s * SAMPLE_RATE_HZ)
        if jumped:
            move = max(self._believed(jump, end, now), -samples)
            late_s += 0.0 if move else jump_s
        else:
            self._lead_s -= jump_s
            move = max(self._agreed(end + samples, now), -samples)
            self._lead_s += move / SAMPLE_RATE_HZ
        if not jumped or move > -samples:
            self._next_captured_at = captured_at + samples / SAMPLE_RATE_HZ
        silence, dropped = max(0, move), max(0, -move)
        self._fill(silence)
        self._drop(dropped)
        kept = self._reached(end + silence, samples - dropped, now)
        self._follow(late_s, now)
        return Place(silence, dropped, dropped + kept)

    def close(self, samples: int) -> None:
        """So much silence was put in because its time had come."""
        self._fill(samples)
        self._next_captured_at += samples / SAMPLE_RATE_HZ

    def skip(self, samples: int) -> None:
        """So much was left out because nothing came for too long."""
        self._filled += samples
        self._next_captured_at += samples / SAMPLE_RATE_HZ

    def drift_ppm(self) -> float | None:
        if self._rate_span_s < MIN_DRIFT_SPAN_S:
            return None
        return (self._rate_samples / (self._rate_span_s * SAMPLE_RATE_HZ) - 1) * 1e6

    def _begin(self, samples: int, captured_at: float, now: float) -> None:
        """A block arrives after its end, so the stream began that much earlier."""
        self._began = self._beginning = True
        self._first_arrival = self._late_since = now
        self._started_at = now - min(FRAME_S, samples / SAMPLE_RATE_HZ)
        self._earliest_start = self._started_at - self.limits.max_silence_s
        self._next_captured_at = captured_at

    def _believed(self, jump: int, end: int, now: float) -> int:
        """How far a sudden jump of the capture times moves the line on, or back where negative.

        Only as much can be late as was filled with silence before: a source whose clock was set
        back is not silenced by that.
        """
        possible = end + jump <= self._reach(now) if jump > 0 else self._filled > 0
        self.jumps += not possible
        return max(jump, -self._filled) if possible else 0

    def _agreed(self, end: int, now: float) -> int:
        """How far the line is to be moved for what small jumps have added up to.

        Both clocks have to call it too much, and the lesser amount counts: capture times that are
        merely counted fall behind the clock although nothing is late, and after a late first block
        our clock calls everything early.
        """
        leads_s = (self._lead_s, self._clock_lead_s(end, now))
        if min(leads_s) > self.limits.jitter_s:
            return -round(min(leads_s) * SAMPLE_RATE_HZ)
        if max(leads_s) < -self.limits.jitter_s:
            return -round(max(leads_s) * SAMPLE_RATE_HZ)
        return 0

    def _reached(self, end: int, samples: int, now: float) -> int:
        """How many samples of a block are not too far ahead of the clock."""
        kept = min(samples, max(0, self._reach(now) - end))
        self.overflow += samples - kept
        self._lead_s -= (samples - kept) / SAMPLE_RATE_HZ
        return kept

    def _follow(self, late_s: float, now: float) -> None:
        """Have our clock wait for a source as long as its sound is late, and no longer.

        `late_s` is how much later than expected a block came. One that is early at the beginning,
        before any silence, says that the first one was late.
        """
        if self._beginning and (self.missing or now - self._first_arrival > LATE_SPAN_S):
            self._beginning = False
            self._earliest_start = self._started_at
        if now - self._late_since > LATE_SPAN_S:
            wait_s = self._least_late_s
            if self.limits.jitter_s < wait_s <= self.limits.max_silence_s:
                self._started_at += wait_s
                late_s -= wait_s
            self._late_since, self._least_late_s = now, late_s
        self._least_late_s = min(self._least_late_s, late_s)
        if late_s < 0:
            self._started_at = max(self._earliest_start, self._started_at + late_s)

    def _clock_lead_s(self, end: int, now: float) -> float:
        return end / SAMPLE_RATE_HZ - (now - self._started_at)

    def _reach(self, now: float) -> int:
        return round((now - self._started_at + self.limits.max_ahead_s) * SAMPLE_RATE_HZ)

    def _fill(self, samples: int) -> None:
        self.missing += samples
        self._filled += samples

    def _drop(self, samples: int) -> None:
        """What was filled in before came late; a source that runs too fast has sound to spare."""
        late = min(samples, self._filled)
        self.late += late
        self._filled -= late
        self.overflow += samples - late
