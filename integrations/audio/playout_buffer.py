"""What the agent says, on its way to a line that takes sound at a rate of its own."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from interject.model_runtime.protocol import SAMPLE_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

FULL_SCALE = 32_768.0


@dataclass(slots=True)
class _Stretch:
    """Sound without a break at one rate: where it begins among what is taken, and in what was
    written.
    """

    first_taken: int
    first_written: int
    sample_rate_hz: int
    written: int = 0

    def position(self, taken: int, rate_hz: int) -> int:
        passed = round((taken - self.first_taken) * self.sample_rate_hz / rate_hz)
        return self.first_written + min(self.written, passed)


class PlayoutBuffer:
    """Written at any rate, taken at `rate_hz`; signed 16-bit mono on both sides.

    One resampler serves a reply to its end, so that no click is heard between two of its pieces;
    `finish` at that end lets out what it still holds. Of what was taken the buffer knows what it
    was when it was written: that is how a sink counts what has been played.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.taken = 0
        self._held: deque[NDArray[np.int16]] = deque()
        self._held_samples = 0
        self._resampler: Any = None
        self._stretches = deque([_Stretch(0, 0, rate_hz)])

    @property
    def held_samples(self) -> int:
        return self._held_samples

    @property
    def held_s(self) -> float:
        return self._held_samples / self.rate_hz

    def write(self, pcm: bytes, sample_rate_hz: int) -> None:
        if sample_rate_hz != self._newest.sample_rate_hz:
            self.finish()
            self._begin(self._newest.first_written + self._newest.written, sample_rate_hz)
        sound = np.frombuffer(pcm, "<i2")
        self._newest.written += len(pcm) // SAMPLE_BYTES
        if sample_rate_hz == self.rate_hz:
            self._hold(sound.astype(np.int16))
            return
        if self._resampler is None:
            self._resampler = soxr.ResampleStream(
                sample_rate_hz, self.rate_hz, 1, dtype="float32", quality="HQ"
            )
        self._resample(sound.astype(np.float32), last=False)

    def finish(self) -> None:
        """Nothing of this reply follows; the next one begins a sound of its own."""
        if self._resampler is not None:
            self._resample(np.zeros(0, np.float32), last=True)
            self._resampler = None
        newest = self._newest
        if newest.written:
            self._begin(newest.first_written + newest.written, newest.sample_rate_hz)

    def take(self, samples: int) -> NDArray[np.int16]:
        """At most so many; fewer, or none, where no more is there."""
        parts: list[NDArray[np.int16]] = []
        wanted = samples
        while wanted and self._held:
            part = self._held[0][:wanted]
            rest = self._held[0][wanted:]
            if len(rest):
                self._held[0] = rest
            else:
                self._held.popleft()
            parts.append(part)
            wanted -= len(part)
        got = samples - wanted
        self.taken += got
        self._held_samples -= got
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def clear(self, played: int | None = None) -> None:
        """Forget what was not taken. Of what was taken only `played` samples were ever heard; the
        others never count as written, nor does what is forgotten.
        """
        position = self.written_position(self.taken if played is None else played)
        self._held.clear()
        self._held_samples = 0
        self._resampler = None
        rate = self._newest.sample_rate_hz
        self._stretches.clear()
        self._stretches.append(_Stretch(self.taken, position, rate))

    def written_position(self, taken: int) -> int:
        """How many of the written samples, each at its own rate, so many taken ones were."""
        at = next(one for one in reversed(self._stretches) if one.first_taken <= taken)
        while self._stretches[0] is not at:
            self._stretches.popleft()
        return at.position(taken, self.rate_hz)

    @property
    def _newest(self) -> _Stretch:
        return self._stretches[-1]

    def _begin(self, first_written: int, sample_rate_hz: int) -> None:
        first_taken = self.taken + self._held_samples
        self._stretches.append(_Stretch(first_taken, first_written, sample_rate_hz))

    def _resample(self, sound: NDArray[np.float32], *, last: bool) -> None:
        made = self._resampler.resample_chunk(sound / np.float32(FULL_SCALE), last=last)
        scaled = np.clip(np.rint(made * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
        self._hold(scaled.astype(np.int16))

    def _hold(self, sound: NDArray[np.int16]) -> None:
        if len(sound):
            self._held.append(sound)
            self._held_samples += len(sound)
