"""The contract of every voice: text streams in, sound streams out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.protocol import Emotion


class VoiceFailure(Exception):
    """A voice cannot speak; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class WordTiming:
    """Where one word stands in the reply's text and in the reply's sound.

    `end_char` includes the space after the word, so that words cover the text without holes.
    Samples count from the reply's first sample, at the voice's rate.
    """

    text: str = field(repr=False)
    start_char: int
    end_char: int
    start_sample: int
    end_sample: int


@dataclass(frozen=True, slots=True)
class SpokenChunk:
    """Some signed 16-bit mono PCM, and the words whose timing is known by now.

    A word that was sent before may come again with a better timing; the later one counts.
    """

    pcm: bytes = field(repr=False)
    words: tuple[WordTiming, ...] = ()


class Voice(Protocol):
    """Turns the text of one reply into sound while the text is still being written."""

    @property
    def sample_rate_hz(self) -> int: ...

    def speak(self, text: AsyncIterator[str], emotion: Emotion) -> AsyncIterator[SpokenChunk]:
        """Say one reply. Closing the iterator stops it.

        :raises VoiceFailure: when the engine or the server behind it does.
        """

    async def aclose(self) -> None:
        """Free what the voice holds."""
