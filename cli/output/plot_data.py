"""What a plot needs of a session, in memory that does not grow without end."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.cli.output.display import decided_at_s
from interject.model_runtime.protocol import (
    SAMPLE_RATE_HZ,
    Decision,
    Emotion,
    ReplyEnded,
    ReplyStarted,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.model_runtime.protocol import Event

MAX_COLUMNS = 8_192
FIRST_COLUMN_SAMPLES = 160


class Envelope:
    """The highest and lowest sample a column; columns merge in pairs when there are too many."""

    def __init__(self) -> None:
        self._column_samples = FIRST_COLUMN_SAMPLES
        self._rest: NDArray[np.int16] = np.zeros(0, dtype=np.int16)
        self._low = np.zeros(0, dtype=np.int16)
        self._high = np.zeros(0, dtype=np.int16)

    def hear(self, samples: NDArray[np.int16]) -> None:
        joined = np.concatenate([self._rest, samples])
        whole = len(joined) - len(joined) % self._column_samples
        self._rest = joined[whole:]
        columns = joined[:whole].reshape(-1, self._column_samples)
        self._low = np.concatenate([self._low, columns.min(axis=1, initial=0)])
        self._high = np.concatenate([self._high, columns.max(axis=1, initial=0)])
        while len(self._low) > MAX_COLUMNS:
            self._merge()

    def hear_silence(self, until_sample: int) -> None:
        """Go on to a moment; a moment that is past already changes nothing."""
        done = len(self._low) * self._column_samples + len(self._rest)
        while (missing := until_sample - done) > 0:
            step = min(missing, SAMPLE_RATE_HZ)
            self.hear(np.zeros(step, dtype=np.int16))
            done += step

    def curves(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Seconds, lowest and highest sample at full scale 1."""
        at_s = (np.arange(len(self._low)) + 0.5) * self._column_samples / SAMPLE_RATE_HZ
        return at_s, self._low / 32_768.0, self._high / 32_768.0

    def _merge(self) -> None:
        even = len(self._low) - len(self._low) % 2
        if even < len(self._low):
            self._low = np.append(self._low, self._low[-1])
            self._high = np.append(self._high, self._high[-1])
        self._low = self._low.reshape(-1, 2).min(axis=1)
        self._high = self._high.reshape(-1, 2).max(axis=1)
        self._column_samples *= 2


@dataclass(frozen=True, slots=True)
class PlottedReply:
    """A reply's place and words."""

    at_s: float
    emotion: Emotion
    text: str


class PlotData:
    """Follows a session's events and both sides of its sound."""

    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold
        self.room = Envelope()
        self.speech = Envelope()
        self.times_s = array("d")
        self.p_respond = array("f")
        self.replies: list[PlottedReply] = []
        self._begun: dict[int, ReplyStarted] = {}

    def follow(self, event: Event) -> None:
        match event:
            case Decision():
                self.times_s.append(decided_at_s(event.seq))
                self.p_respond.append(event.p_respond)
            case ReplyStarted():
                self._begun[event.reply_id] = event
            case ReplyEnded() if started := self._begun.pop(event.reply_id, None):
                at_s = max(decided_at_s(started.seq), 0.0)
                self.replies.append(PlottedReply(at_s, started.emotion, event.text))
