"""One thing that is heard in a stream."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from interject.training.streams.problem import BadStream, check_text, check_times

SHA256 = re.compile(r"[0-9a-f]{64}")
GRAIN_S = 1 / 16_000
"""Times that lie closer than a sample are the same."""


class Layer(StrEnum):
    """Where in the scene something is heard. `OWN_VOICE` is the agent's, come back."""

    FOREGROUND = "foreground"
    BACKGROUND = "background"
    AMBIENT = "ambient"
    SPEECH = "speech"
    OWN_VOICE = "own_voice"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word, and when in the stream it has been said."""

    text: str
    end_s: float


@dataclass(frozen=True, slots=True)
class SoundSource:
    """Where a sound came from. `sha256` is of its file, or of its samples where it had none.

    :raises BadStream: when one of them is empty, or the hash is none.
    """

    name: str
    licence: str
    sha256: str

    def __post_init__(self) -> None:
        for field in ("name", "licence"):
            check_text(field, getattr(self, field))
            if not getattr(self, field).strip():
                raise BadStream(field, "is empty; name it, or nobody may pass the sound on")
        if not SHA256.fullmatch(self.sha256):
            raise BadStream("sha256", "must be 64 digits of 0-9 and a-f")


@dataclass(frozen=True, slots=True)
class StreamSpan:
    """Something heard from `start_s` to `end_s` of the stream. `text` is what is said in it.

    :raises BadStream: when its times or its words contradict themselves.
    """

    layer: Layer
    label: str
    start_s: float
    end_s: float
    text: str = ""
    words: tuple[TimedWord, ...] = ()
    speaker: str = ""
    source: SoundSource | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.layer, Layer):
            raise BadStream("layer", f"is {self.layer!r}; it must be one of {', '.join(Layer)}")
        for field in ("label", "text", "speaker"):
            check_text(field, getattr(self, field))
        check_times(self.start_s, self.end_s)
        self._check_words()

    def _check_words(self) -> None:
        before_s = self.start_s
        for number, word in enumerate(self.words):
            place = f"words.{number}"
            check_text(f"{place}.text", word.text)
            if not word.text.strip():
                raise BadStream(f"{place}.text", "is empty; a word that is timed has letters")
            if not before_s <= word.end_s <= self.end_s + GRAIN_S:
                raise BadStream(
                    f"{place}.end_s",
                    f"is {word.end_s:g}; it must lie from {before_s:g} (the word before) "
                    f"to {self.end_s:g} s (the end of its span)",
                )
            before_s = word.end_s
