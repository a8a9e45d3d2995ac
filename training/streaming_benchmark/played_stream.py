"""One stream as a model heard it: what was due, what it said, what it would have said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from interject.config.strict import StrictModel
from interject.model_runtime.protocol import FRAME_S
from interject.training.streams.ability import Ability

if TYPE_CHECKING:
    from interject.training.streams.stream import TrainingStream

Probability = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class DueReply:
    """What is right to say after `chunk`, the first that can know of it. `kind`: of its turn."""

    chunk: int
    end_s: float
    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class HeardReply:
    """What a model said. `first_word_s`: from the moment its chunk was sent to its first word."""

    chunk: int
    text: str
    first_word_s: float | None = None


class PlayedStream(StrictModel):
    """`p_respond` has one value a chunk; None where a chunk was not decided."""

    id: str
    ability: Ability
    chunks: int = Field(ge=0)
    due: tuple[DueReply, ...]
    heard: tuple[HeardReply, ...]
    p_respond: tuple[Probability | None, ...]
    problem: str = ""

    @property
    def hours(self) -> float:
        """Of what was decided: nothing is false where nothing was heard."""
        return sum(p is not None for p in self.p_respond) * FRAME_S / 3_600


def due_replies(stream: TrainingStream) -> tuple[DueReply, ...]:
    return tuple(
        DueReply(turn.response_chunk, turn.end_s, turn.assistant, turn.scene_type.strip().lower())
        for turn in stream.turns
        if turn.response_chunk is not None
    )
