"""What is heard when in a stream, and what is answered in which chunk; nothing of why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ, Emotion
from interject.training.soundflow.cast import NAMES
from interject.training.streams.span import Layer, SoundSource, StreamSpan, TimedWord
from interject.training.streams.turn import StreamTurn, response_chunk

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave


@dataclass(frozen=True, slots=True)
class HeardSound:
    """Dry. `level_db` is beside the stream's speech; what has one `place` stands together."""

    layer: Layer
    label: str
    start: int
    wave: Wave = field(repr=False)
    level_db: float
    place: str
    text: str = ""
    words: tuple[TimedWord, ...] = ()
    source: SoundSource | None = None

    @property
    def end(self) -> int:
        return self.start + len(self.wave)

    def span(self) -> StreamSpan:
        start_s, end_s = self.start / SAMPLE_RATE_HZ, self.end / SAMPLE_RATE_HZ
        words = tuple(TimedWord(word.text, min(start_s + word.end_s, end_s)) for word in self.words)
        speaker = self.place if self.place in NAMES else ""
        return StreamSpan(
            self.layer, self.label, start_s, end_s, self.text, words, speaker, self.source
        )


@dataclass(frozen=True, slots=True)
class LaidOutStream:
    """Whole chunks; the last one is behind all that is heard and all that is answered."""

    heard: tuple[HeardSound, ...]
    turns: tuple[StreamTurn, ...]
    samples: int
    skipped: tuple[str, ...] = ()
    """Checks that were not made of some of its speech."""


class StreamTimeLine:
    """Things laid one after the other. `free` is the first sample at which the next may begin.

    `lag_s` is the stream's decision lag.
    """

    def __init__(self, *, lag_s: float = 0.0, free: int = 0) -> None:
        self.heard: list[HeardSound] = []
        self.turns: list[StreamTurn] = []
        self.free, self.lag_s = free, lag_s
        self._last_chunk = -1

    @property
    def answered(self) -> int:
        """The first sample behind the last chunk that is answered; 0 before there is one."""
        return (self._last_chunk + 1) * FRAME_SAMPLES

    def turn(
        self, start: int, end: int, user: str, assistant: str = "",
        emotion: Emotion = Emotion.NORMAL, scene_type: str = "",
    ) -> None:  # fmt: skip
        """From and to these samples; answered where its end and the lag lie, or not at all."""
        start_s, end_s = start / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ
        chunk = response_chunk(end_s, decision_lag_s=self.lag_s) if assistant else None
        self.note(StreamTurn(start_s, end_s, user, assistant, emotion, scene_type, chunk))

    def note(self, turn: StreamTurn) -> None:
        if turn.response_chunk is not None:
            self._last_chunk = turn.response_chunk
        self.turns.append(turn)
        self.free = max(self.free, round(turn.end_s * SAMPLE_RATE_HZ), self.answered)

    def finished(self, tail: int, skipped: tuple[str, ...] = ()) -> LaidOutStream:
        """With `tail` samples at least behind the last thing."""
        last = max([sound.end for sound in self.heard] + [self.answered])
        whole = -(-(last + tail) // FRAME_SAMPLES) * FRAME_SAMPLES
        return LaidOutStream(tuple(self.heard), tuple(self.turns), whole, skipped)
