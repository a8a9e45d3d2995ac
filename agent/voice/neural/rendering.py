"""A clause as sound, with the times of its words, wherever in a reply it will stand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from interject.agent.voice.base import SpokenChunk, WordTiming

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.agent.voice.clauses import Clause
    from interject.agent.voice.neural.network_file import StopSwitch
    from interject.agent.voice.neural.phonemes import Phonemes

QUIET = 0.01
"""Of full scale: what a network breathes before and after the words."""
LEAD_S, TAIL_S = 0.02, 0.12
"""How much of such quiet stays."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a clause is to be said; `speaker` is a name of the model's, empty for its first."""

    speaker: str = ""
    speed: float = 1.0
    variation: float = 1.0


@dataclass(frozen=True, slots=True)
class RawSpeech:
    """Samples within -1 and 1, and at which of them each phoneme begins and ends."""

    samples: NDArray[np.float32] = field(repr=False)
    begins: NDArray[np.int64] = field(repr=False)
    ends: NDArray[np.int64] = field(repr=False)


class SpeechNetwork(Protocol):
    """Threads may share one."""

    @property
    def sample_rate_hz(self) -> int: ...

    def language_of(self, speaker: str) -> str:
        """Which voice of espeak-ng gives its phonemes.

        :raises VoiceFailure: when there is no such speaker."""

    def synthesise(self, ipa: str, manner: Manner, stop: StopSwitch) -> RawSpeech:
        """:raises Stopped: when it was told to stop.
        :raises VoiceFailure: when it cannot.
        """


@dataclass(frozen=True, slots=True)
class Rendering:
    """`words` count samples and characters from the clause's first."""

    pcm: bytes = field(repr=False)
    samples: int
    words: tuple[WordTiming, ...]

    def chunk(self, clause: Clause, start_sample: int) -> SpokenChunk:
        """As part of a reply. White space around a clause belongs to its first and last word."""
        lead = clause.start_char + len(clause.text) - len(clause.text.lstrip())
        placed = [
            replace(
                word,
                start_char=word.start_char + lead,
                end_char=word.end_char + lead,
                start_sample=word.start_sample + start_sample,
                end_sample=word.end_sample + start_sample,
            )
            for word in self.words
        ]
        return SpokenChunk(self.pcm, _filling(placed, clause, start_sample))


NOTHING = Rendering(b"", 0, ())


def render(speech: RawSpeech, phonemes: Phonemes, sample_rate_hz: int) -> Rendering:
    first, end = _sounding(speech.samples, sample_rate_hz)
    samples = speech.samples[first:end]
    begins = np.clip(speech.begins - first, 0, len(samples)).tolist()
    ends = np.clip(speech.ends - first, 0, len(samples)).tolist()
    words, so_far = [], 0
    for word in phonemes.words:
        begin = max(so_far, begins[min(word.first, len(begins) - 1)])
        so_far = max(begin, ends[word.end - 1]) if word.end > word.first else begin
        words.append(WordTiming(word.text, word.first_char, word.end_char, begin, so_far))
    pcm = np.round(np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes()
    return Rendering(pcm, len(samples), tuple(words))


def _sounding(samples: NDArray[np.float32], sample_rate_hz: int) -> tuple[int, int]:
    loud = np.flatnonzero(np.abs(samples) > QUIET)
    if not len(loud):
        return 0, len(samples)
    first = int(loud[0]) - round(LEAD_S * sample_rate_hz)
    end = int(loud[-1]) + 1 + round(TAIL_S * sample_rate_hz)
    return max(0, first), min(len(samples), end)


def _filling(words: list[WordTiming], clause: Clause, at_sample: int) -> tuple[WordTiming, ...]:
    """So that words of all clauses cover the reply's text without holes; marks take no time."""
    end_char = clause.start_char + len(clause.text)
    if not words:
        text = clause.text.strip()
        return (WordTiming(text, clause.start_char, end_char, at_sample, at_sample),)
    words[0] = replace(words[0], start_char=clause.start_char)
    words[-1] = replace(words[-1], end_char=end_char)
    return tuple(words)
