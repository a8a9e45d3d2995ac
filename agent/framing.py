"""16 kHz samples in, 400 ms frames out, on the stream's own time or on the wall clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.speaker_map import SpeakerMap
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

MIN_DRIFT_SPAN_S = 5.0


class Pacing(StrEnum):
    """What decides that a frame is over: that its samples are there, or that its time has come."""

    SAMPLES = "samples"
    WALL_CLOCK = "wall_clock"


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """How far a live source may stray.

    A frame is closed `grace_s` after its end. A jump of a source's capture times by less than
    `jitter_s` is taken for jitter. Sound up to `max_ahead_s` ahead of the clock is kept (a burst).
    After a standstill of more than `max_silence_s` the frames in between are skipped.
    """

    grace_s: float = 0.2
    jitter_s: float = 0.1
    max_ahead_s: float = 2.0
    max_silence_s: float = 10.0


@dataclass(frozen=True, slots=True)
class FramingReport:
    """What became of every sample.

    received + missing + tail = frames x 6,400 + waiting + late + overflow, at every moment.
    `missing_samples` were filled with silence because their time had come; `late_samples` came
    after that and were dropped; `overflow_samples` were further ahead of the clock than allowed;
    `tail_samples` of silence completed the last frame. `skipped_frames` were never made (a
    standstill); the runtime reports them as a gap. `clock_jumps` counts capture times that could
    not be true. `drift_ppm` is how much faster than 16 kHz the source ran, once that is known.
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
        self._live = pacing is Pacing.WALL_CLOCK
        self._clock = clock
        self._limits = limits or LiveLimits()
        self._speakers = SpeakerMap()
        self._pending = bytearray()
        self._seq = 0
        self._first_captured_at: float | None = None
        self._next_captured_at = 0.0
        self._started_at = self._first_arrival = 0.0
        self._first_samples = 0
        self._filled_samples = 0
        self._received = self._missing = self._late = self._overflow = self._tail = 0
        self._frames = self._skipped = self._jumps = 0
        self._rate_samples, self._rate_span_s = 0, 0.0

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
            self._start(captured_at, len(samples))
        if self._live:
            samples = self._place(samples, captured_at)
        else:
            self._received += len(samples)
        self._speakers.add(speakers, start_sample=self._end_sample, samples=len(samples))
        self._pending += samples.astype("<i2", copy=False).tobytes()
        return self._complete()

    def tick(self, now: float | None = None) -> list[Frame]:
        """Close the frames whose time has come, filling up what is missing with silence."""
        if not self._live or self._first_captured_at is None:
            return []
        elapsed_s = (self._clock() if now is None else now) - self._started_at
        due = int((elapsed_s - self._limits.grace_s) / FRAME_S)
        if due <= self._seq:
            return []
        most = max(1, int(self._limits.max_silence_s / FRAME_S))
        held = self._end_sample // FRAME_SAMPLES
        if due - max(self._seq, held) > most:
            frames = self._close_until(held + 1)
            self._skip_to(due)
            return frames
        return self._close_until(due)

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
        return FramingReport(
            received_samples=self._received,
            waiting_samples=len(self._pending) // SAMPLE_BYTES,
            frames=self._frames,
            missing_samples=self._missing,
            late_samples=self._late,
            overflow_samples=self._overflow,
            tail_samples=self._tail,
            skipped_frames=self._skipped,
            clock_jumps=self._jumps,
            drift_ppm=self._drift_ppm(),
        )

    @property
    def _end_sample(self) -> int:
        """Where the next sample goes, counted from the stream's start."""
        return self._seq * FRAME_SAMPLES + len(self._pending) // SAMPLE_BYTES

    def _start(self, captured_at: float, samples: int) -> None:
        """A block arrives after its end, so the stream began that much earlier."""
        self._first_captured_at = self._next_captured_at = captured_at
        if self._live:
            self._first_arrival, self._first_samples = self._clock(), samples
            self._started_at = self._first_arrival - min(FRAME_S, samples / SAMPLE_RATE_HZ)

    def _place(self, samples: NDArray[np.int16], captured_at: float) -> NDArray[np.int16]:
        """Fit a live block to the time line: fill a hole before it, drop what is late or ahead."""
        now = self._clock()
        self._received += len(samples)
        self._rate_span_s = now - self._first_arrival
        self._rate_samples = self._received - self._first_samples
        jump_samples = round((captured_at - self._next_captured_at) * SAMPLE_RATE_HZ)
        ends_at = captured_at + len(samples) / SAMPLE_RATE_HZ
        samples = self._settle(samples, jump_samples, now)
        if len(samples):
            self._next_captured_at = ends_at
        room = self._ahead_end_sample(now) - self._end_sample
        kept = samples[: max(0, room)]
        self._overflow += len(samples) - len(kept)
        return kept

    def _settle(
        self, samples: NDArray[np.int16], jump_samples: int, now: float
    ) -> NDArray[np.int16]:
        """What is left of a block once its place in time is known.

        Only as much can be late as was filled with silence before: a source whose clock was set
        back is not silenced by that.
        """
        jitter = round(self._limits.jitter_s * SAMPLE_RATE_HZ)
        if abs(jump_samples) <= jitter:
            return samples
        if jump_samples > 0:
            if self._end_sample + jump_samples > self._ahead_end_sample(now):
                self._jumps += 1
            else:
                self._fill(jump_samples)
            return samples
        late = min(-jump_samples, self._filled_samples, len(samples))
        self._jumps += late == 0
        self._late += late
        self._filled_samples -= late
        return samples[late:]

    def _ahead_end_sample(self, now: float) -> int:
        ahead_s = now - self._started_at + self._limits.max_ahead_s
        return round(ahead_s * SAMPLE_RATE_HZ)

    def _fill(self, samples: int) -> None:
        self._pending += bytes(samples * SAMPLE_BYTES)
        self._missing += samples
        self._filled_samples += samples

    def _close_until(self, seq: int) -> list[Frame]:
        short = seq * FRAME_SAMPLES + LOOKAHEAD_SAMPLES - self._end_sample
        if short > 0:
            self._fill(short)
            self._next_captured_at += short / SAMPLE_RATE_HZ
        return self._complete()

    def _skip_to(self, seq: int) -> None:
        skipped = seq - self._seq
        self._skipped += skipped
        self._filled_samples += skipped * FRAME_SAMPLES
        self._next_captured_at += skipped * FRAME_S
        self._seq = seq

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

    def _drift_ppm(self) -> float | None:
        if self._rate_span_s < MIN_DRIFT_SPAN_S:
            return None
        return (self._rate_samples / (self._rate_span_s * SAMPLE_RATE_HZ) - 1) * 1e6
