"""The ledger of one reply that is being played: which words were heard, what sounds right now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.agent.resample import Resampler
from interject.model_runtime.protocol import SAMPLE_BYTES, SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.agent.voice.base import SpokenChunk, WordTiming

KEEP_REFERENCE_S = 4.0


class PlayoutLedger:
    """Fed with chunks as they are written, moved on by the sink's position.

    A word counts as heard when its last sample has been played. The echo reference reaches back
    four seconds, more than any room's delay.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._words: dict[int, WordTiming] = {}
        self._position = 0
        self._written = 0
        self._resampler = Resampler(sample_rate_hz)
        self._reference = np.zeros(0, np.int16)
        self._reference_start = 0

    def add(self, chunk: SpokenChunk) -> None:
        self._words.update((word.start_char, word) for word in chunk.words)
        if chunk.pcm:
            self._written += len(chunk.pcm) // SAMPLE_BYTES
            more = self._resampler.push(np.frombuffer(chunk.pcm, "<i2").astype(np.int16))
            self._reference = np.concatenate([self._reference, more])

    def played_to(self, position_samples: int) -> None:
        """Samples of this reply played so far; going back is not possible and is ignored."""
        self._position = max(self._position, min(position_samples, self._written))
        keep_from = self._now_16k() - round(KEEP_REFERENCE_S * SAMPLE_RATE_HZ)
        if keep_from > self._reference_start:
            self._reference = self._reference[keep_from - self._reference_start :]
            self._reference_start = keep_from

    @property
    def position_samples(self) -> int:
        return self._position

    @property
    def heard_words(self) -> tuple[WordTiming, ...]:
        """Without holes: the first word that is not over ends the list."""
        heard = []
        for _, word in sorted(self._words.items()):
            if word.end_sample > self._position:
                break
            heard.append(word)
        return tuple(heard)

    @property
    def heard_chars(self) -> int:
        heard = self.heard_words
        return heard[-1].end_char if heard else 0

    def reference(self, samples: int) -> NDArray[np.int16]:
        """The last `samples` at 16 kHz up to this moment; silence where nothing was played."""
        start = self._now_16k() - self._reference_start - samples
        known = self._reference[max(0, start) : max(0, start + samples)]
        sound = np.zeros(samples, np.int16)
        lead = max(0, -start)
        sound[lead : lead + len(known)] = known
        return sound

    def _now_16k(self) -> int:
        return self._position * SAMPLE_RATE_HZ // self._sample_rate_hz
