"""A stream to learn from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ
from interject.training.streams.ability import Ability
from interject.training.streams.problem import BadStream, check_text
from interject.training.streams.span import GRAIN_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.training.streams.span import StreamSpan
    from interject.training.streams.turn import StreamTurn

STREAM_ID = re.compile(r"[A-Za-z0-9_%-]{1,90}")
"""It names files in a shard, where the first dot ends a name and tar has room for 100 bytes."""
MAX_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class TrainingStream:
    """`sound` is 16 kHz mono from -1 to 1, of any length: who uses it fills up the last chunk.

    `turns` are in order. `skipped` names checks that were not made of it (`asr`).
    `scene_type` is StreamAudio-2M's word for the whole stream; empty: the ability's.

    :raises BadStream: when a part of it contradicts another, with the place in `field`.
    """

    stream_id: str
    ability: Ability
    sound: NDArray[np.float32] = field(repr=False, compare=False)
    turns: tuple[StreamTurn, ...]
    spans: tuple[StreamSpan, ...]
    seed: int
    system_prompt: str | None = None
    skipped: tuple[str, ...] = ()
    scene_type: str = ""

    def __post_init__(self) -> None:
        if not STREAM_ID.fullmatch(self.stream_id):
            raise BadStream(
                "stream_id",
                f"is {self.stream_id[:80]!r}; it must be 1 to 90 of the letters A-Z a-z 0-9 _ - %",
            )
        if not isinstance(self.ability, Ability):
            raise BadStream(
                "ability", f"is {self.ability!r}; it must be one of {', '.join(Ability)}"
            )
        if not 0 <= self.seed <= MAX_SEED:
            raise BadStream("seed", f"is {self.seed}; it must be from 0 to 2^63 - 1")
        for name in ("system_prompt", "scene_type"):
            check_text(name, getattr(self, name) or "")
        _check_sound(self.sound)
        self._check_turns()
        self._check_spans()

    @property
    def duration_s(self) -> float:
        return len(self.sound) / SAMPLE_RATE_HZ

    @property
    def chunks(self) -> int:
        """The last one may be begun only."""
        return -(-len(self.sound) // FRAME_SAMPLES)

    def _check_turns(self) -> None:
        before_s, last_chunk = 0.0, -1
        for number, turn in enumerate(self.turns):
            place = f"turns.{number}"
            if turn.start_s < before_s - GRAIN_S:
                raise BadStream(
                    f"{place}.start_s",
                    f"is {turn.start_s:g}; the turn before it ends at {before_s:g} s",
                )
            self._check_end(place, turn.end_s)
            before_s = turn.end_s
            if turn.reference_turn is not None and not 0 <= turn.reference_turn < number:
                raise BadStream(
                    f"{place}.reference_turn",
                    f"is {turn.reference_turn}; it must be an earlier turn",
                )
            if turn.response_chunk is not None:
                self._check_chunk(place, turn.response_chunk, last_chunk)
                last_chunk = turn.response_chunk

    def _check_chunk(self, place: str, chunk: int, before: int) -> None:
        where = f"{place}.response_chunk"
        if chunk >= self.chunks:
            raise BadStream(where, f"is {chunk}; the sound has {self.chunks} chunks, from 0 on")
        if chunk <= before:
            raise BadStream(where, f"is {chunk}; the reply before it begins at chunk {before}")

    def _check_spans(self) -> None:
        for number, span in enumerate(self.spans):
            self._check_end(f"spans.{number}", span.end_s)

    def _check_end(self, place: str, end_s: float) -> None:
        if end_s > self.duration_s + GRAIN_S:
            raise BadStream(
                f"{place}.end_s", f"is {end_s:g}; the sound ends at {self.duration_s:g} s"
            )


def _check_sound(sound: NDArray[np.float32]) -> None:
    if sound.ndim != 1 or sound.dtype != np.float32:
        raise BadStream("sound", f"is {sound.dtype} {sound.shape}; it must be one row of float32")
    if not len(sound):
        raise BadStream("sound", "is empty")
    peak = float(np.max(np.abs(sound)))
    if not peak <= 1.0:
        raise BadStream("sound", f"has a peak of {peak:g}; it must be at most 1 (full scale)")
