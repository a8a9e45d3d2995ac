"""One stream as the model meets it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from interject.model_runtime.network.architecture import GROUPINGS, TOWER_EMBEDDINGS
from interject.model_runtime.protocol import FRAME_SAMPLES

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float32]]
MASKED = -100
"""The label of a position that teaches nothing: PyTorch's `ignore_index`."""


class SequenceMode(StrEnum):
    """Whether every chunk is decided, or a whole clip is asked about."""

    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class TrainingSequence:
    """`sound` are whole chunks; `audio_at` are the positions of their embeddings, in order.

    A label is the token to predict after its position, or `MASKED`: `text_labels` are of replies,
    `control_labels` are silent or respond. No position has both.

    :raises ValueError: when the parts do not fit each other.
    """

    stream_id: str
    mode: SequenceMode
    sound: Floats = field(repr=False)
    ids: Ints = field(repr=False)
    text_labels: Ints = field(repr=False)
    control_labels: Ints = field(repr=False)
    audio_at: Ints = field(repr=False)

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.text_labels) == len(self.control_labels):
            raise ValueError(f"{self.stream_id}: ids and labels differ in length")
        heard = TOWER_EMBEDDINGS * self.chunks
        grouped = {heard // size for size in GROUPINGS}
        if len(self.sound) % FRAME_SAMPLES or len(self.audio_at) not in grouped:
            raise ValueError(f"{self.stream_id}: the sound is not that of the ids")
        if ((self.text_labels != MASKED) & (self.control_labels != MASKED)).any():
            raise ValueError(f"{self.stream_id}: a position teaches both text and control")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def chunks(self) -> int:
        return len(self.sound) // FRAME_SAMPLES

    @property
    def decision_at(self) -> Ints:
        """The positions after which is decided, one a chunk; none offline."""
        return np.flatnonzero(self.control_labels != MASKED)
