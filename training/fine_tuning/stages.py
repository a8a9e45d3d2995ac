"""The paper's four stages: what each trains on what, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from interject.training.sequences.sequence import SequenceMode


class TrainablePart(StrEnum):
    """A part of the model that a run may change. `NEW_ROWS` are the embeddings of control ids."""

    HEAD = "head"
    NEW_ROWS = "new_rows"
    ADAPTER = "adapter"
    DECODER = "decoder"
    TOWER = "tower"


class TrainingStage(StrEnum):
    """In the order in which a model goes through them."""

    FORMAT = "format"
    ADAPTER = "adapter"
    STREAMING = "streaming"
    INSTRUCTION = "instruction"


@dataclass(frozen=True, slots=True)
class StagePreset:
    """The paper's figures. It had 32 GPUs, and so `streams_per_step` / 32 / `streams_per_device`
    passes a step on each.
    """

    trains: tuple[TrainablePart, ...]
    mode: SequenceMode
    learning_rate: float
    steps: int
    streams_per_device: int
    streams_per_step: int


_LISTENING = (TrainablePart.ADAPTER, TrainablePart.DECODER)
PRESETS = {
    TrainingStage.FORMAT: StagePreset(
        (TrainablePart.HEAD, TrainablePart.NEW_ROWS), SequenceMode.OFFLINE, 1e-4, 5_000, 8, 512
    ),
    TrainingStage.ADAPTER: StagePreset(
        (TrainablePart.ADAPTER,), SequenceMode.OFFLINE, 1e-4, 20_000, 8, 1_024
    ),
    TrainingStage.STREAMING: StagePreset(_LISTENING, SequenceMode.ONLINE, 5e-5, 80_000, 4, 1_024),
    TrainingStage.INSTRUCTION: StagePreset(_LISTENING, SequenceMode.ONLINE, 1e-5, 15_000, 2, 1_024),
}
