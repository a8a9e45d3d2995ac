"""16 kHz samples in, 400 ms frames out, on the stream's own time or on the wall clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.speaker_map import SpeakerMap
from interject.agent.time_line import LiveLimits, TimeLine
from interject.model_runtime.protocol import (
    FRAME_S,
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_BYTES,
    SAMPLE_RATE_HZ,
    Frame,
    Speaker,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


class Pacing(StrEnum):
    """What decides that a frame is over: that its samples are there, or that its time has come, by
    the clock or by the capture times of a source that keeps the clock's pace itself: it is patient
    with what comes late, and whoever is impatient behind it would fill in what is still to come.
    """

    SAMPLES = "samples"
    WALL_CLOCK = "wall_clock"
    CAPTURE_TIMES = "capture_times"


@dataclass(frozen=True, slots=True)
class FramingReport:
    """What became of every sample.

    received + missing + tail = frames x 6,400 + waiting + late + overflow, at every moment.
    `missing_samples` were filled with silence because their time had come; `late_samples` came
    after that and were dropped; `overflow_samples` were further ahead of the clock than allowed, or
    more than there was time for. `tail_samples` of silence completed the last frame.
    `skipped_frames` were never made (a standstill); the runtime reports them as a gap.
    `clock_jumps` counts capture times that could not be true. `drift_ppm` is how much faster than
    16 kHz the source ran, once that is known.
    """

    received_samples: int
    waiting_samples: int
    frames: int
    missing_samples: int
    late_samples: int
    overflow_samples: int
    tail_samples: int
    skipped_frames: int
    clock_jumps: int
    drift_ppm: float | None


class Framer:
    """One stream's frames. `push`, `tick` and `finish` return the frames that are complete.

    A frame is complete when the first 40 samples of the next are there; the last one has no
    look-ahead. `clock` is read only under `Pacing.WALL_CLOCK`.
    """

    def __init__(
        self,
        pacing: Pacing = Pacing.SAMPLES,
        *,
        clock: Callable[[], float] = time.monotonic,
        limits: LiveLimits | None = None,
    ) -> None:
        self._captured_until = 0.0
        self._line: TimeLine | None = None
        if pacing is Pacing.WALL_CLOCK:
            self._line = TimeLine(clock, limits or LiveLimits())
        elif pacing is Pacing.CAPTURE_TIMES:
            self._line = TimeLine(self._latest, limits or LiveLimits(jitter_s=0.0))
        self._speakers = SpeakerMap()
        self._pending = bytearray()
        self._seq = 0
        self._first_captured_at: float | None = None
        self._received = self._tail = self._frames = self._skipped = 0

    def push(
        self, samples: NDArray[np.int16], captured_at: float, speakers: Sequence[Speaker] = ()
    ) -> list[Frame]:
        """Take mono samples whose first was captured at `captured_at`, in seconds.

        :raises ValueError: when the samples are not one dimension of int16.
        """
        if samples.ndim != 1 or samples.dtype != np.int16:
            raise ValueError(
                f"frames are made of one dimension of int16, not {samples.ndim} of {samples.dtype}"
            )
        if not len(samples):
            return []
        if self._first_captured_at is None:
            self._first_captured_at = captured_at
        self._received += len(samples)
        self._captured_until = captured_at + len(samples) / SAMPLE_RATE_HZ
        frames = self._pass_standstill()
        if self._line is not None:
            place = self._line.place(self._end_sample, len(samples), captured_at)
            self._pending += bytes(place.silence * SAMPLE_BYTES)
            samples = samples[place.first : place.last]
        self._speakers.add(speakers, start_sample=self._end_sample, samples=len(samples))
        self._pending += samples.astype("<i2", copy=False).tobytes()
        return [*frames, *self._complete()]

    def tick(self, now: float | None = None) -> list[Frame]:
        """Close the frames whose time has come, filling up what is missing with silence."""
        if self._line is None:
            return []
        frames = self._pass_standstill(now)
        return [*frames, *self._close_until(self._line.due(now))]

    def finish(self) -> list[Frame]:
        """End the stream: the last frame is completed with silence."""
        frames = self._complete()
        rest = len(self._pending) // SAMPLE_BYTES
        while rest:
            pad = max(0, FRAME_SAMPLES - rest)
            self._tail += pad
            self._pending += bytes(pad * SAMPLE_BYTES)
            frames.append(self._take(lookahead=rest > FRAME_SAMPLES))
            rest = len(self._pending) // SAMPLE_BYTES
        return frames

    def silence_pending(self) -> None:
        """Make silence of what is no frame yet: whoever asks not to be heard means this moment."""
        self._pending[:] = bytes(len(self._pending))

    def report(self) -> FramingReport:
        line = self._line
        return FramingReport(
            received_samples=self._received,
            waiting_samples=len(self._pending) // SAMPLE_BYTES,
            frames=self._frames,
            missing_samples=line.missing if line else 0,
            late_samples=line.late if line else 0,
            overflow_samples=line.overflow if line else 0,
            tail_samples=self._tail,
            skipped_frames=self._skipped,
            clock_jumps=line.jumps if line else 0,
            drift_ppm=line.drift_ppm() if line else None,
        )

    def _latest(self) -> float:
        return self._captured_until

    @property
    def _end_sample(self) -> int:
        """Where the next sample goes, counted from the stream's start."""
        return self._seq * FRAME_SAMPLES + len(self._pending) // SAMPLE_BYTES

    def _pass_standstill(self, now: float | None = None) -> list[Frame]:
        """Skip the frames of a time in which nothing came, where it was too long to be silence."""
        if self._line is None:
            return []
        due = self._line.due(now)
        held = self._end_sample // FRAME_SAMPLES
        most = max(1, int(self._line.limits.max_silence_s / FRAME_S))
        if due - max(self._seq, held) <= most:
            return []
        frames = self._close_until(held + 1)
        skipped = due - self._seq
        self._line.skip(skipped * FRAME_SAMPLES)
        self._skipped += skipped
        self._seq = due
        return frames

    def _close_until(self, seq: int) -> list[Frame]:
        short = seq * FRAME_SAMPLES + LOOKAHEAD_SAMPLES - self._end_sample
        if self._line is not None and seq > self._seq and short > 0:
            self._line.close(short)
            self._pending += bytes(short * SAMPLE_BYTES)
        return self._complete()

    def _complete(self) -> list[Frame]:
        whole = (FRAME_SAMPLES + LOOKAHEAD_SAMPLES) * SAMPLE_BYTES
        frames = []
        while len(self._pending) >= whole:
            frames.append(self._take(lookahead=True))
        return frames

    def _take(self, *, lookahead: bool) -> Frame:
        size, ahead = FRAME_SAMPLES * SAMPLE_BYTES, LOOKAHEAD_SAMPLES * SAMPLE_BYTES
        following = bytes(self._pending[size : size + ahead]) if lookahead else b""
        frame = Frame(
            seq=self._seq,
            captured_at=(self._first_captured_at or 0.0) + self._seq * FRAME_S,
            pcm=bytes(self._pending[:size]),
            lookahead=following.ljust(ahead, b"\0") if lookahead else b"",
            speakers=self._speakers.take(self._seq),
        )
        del self._pending[:size]
        self._seq += 1
        self._frames += 1
        return frame
