"""The contract of every voice that training speech is made with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.streams.span import SoundSource

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave
    from interject.training.streams.span import TimedWord

ASR_CHECK = "asr"
"""What stands in `skipped` where no recogniser has heard the speech."""


class WordTimes(StrEnum):
    """Where the times of words come from: each is worse than the one before."""

    SYNTHESISER = "synthesiser"
    ENERGY = "energy"
    PROPORTIONAL = "proportional"


@dataclass(frozen=True, slots=True)
class SpokenText:
    """Speech at 16 kHz, peak about 0.6, without silence at its ends.

    `words` are those of `text`, with their end from the first sample on. `voice` and `licence` say
    whose speech it is. `skipped` names checks that were not made of it.
    """

    text: str = field(repr=False)
    pcm: Wave = field(repr=False, compare=False)
    words: tuple[TimedWord, ...] = field(repr=False)
    word_times: WordTimes
    voice: str
    licence: str
    skipped: tuple[str, ...] = (ASR_CHECK,)

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / SAMPLE_RATE_HZ

    @property
    def source(self) -> SoundSource:
        return SoundSource(self.voice, self.licence, hashlib.sha256(self.pcm.tobytes()).hexdigest())


class SpeechVoice(Protocol):
    """One voice of one synthesiser. A dialogue takes one for each of its speakers."""

    @property
    def name(self) -> str: ...

    @property
    def licence(self) -> str: ...

    def say(self, text: str, attempt: int = 0) -> SpokenText:
        """A further attempt says the same in another way, mostly slower.

        :raises SynthesisError: when it cannot be said.
        """
