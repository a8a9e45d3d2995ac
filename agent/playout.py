"""The ledger of one reply that is being played: which of its words were heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import SAMPLE_BYTES

if TYPE_CHECKING:
    from interject.agent.voice.base import SpokenChunk, WordTiming


class PlayoutLedger:
    """Fed with chunks as they are written, moved on by the sink's position.

    A word counts as heard when its last sample has been played.
    """

    def __init__(self) -> None:
        self._words: dict[int, WordTiming] = {}
        self._position = 0
        self._written = 0

    def add(self, chunk: SpokenChunk) -> None:
        self._words.update((word.start_char, word) for word in chunk.words)
        self._written += len(chunk.pcm) // SAMPLE_BYTES

    def played_to(self, position_samples: int) -> None:
        """Samples of this reply played so far; going back is not possible and is ignored."""
        self._position = max(self._position, min(position_samples, self._written))

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
