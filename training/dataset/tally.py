"""What there is how often in a set of streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field

from interject.config.strict import StrictModel
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.training.streams.stream import TrainingStream

Count = Annotated[int, Field(ge=0)]
NOT_STATED = "not stated"
"""The licence of what is heard and has no source."""


class Tally(StrictModel):
    """`licences` counts the spans under each, `skipped` the streams in which a check was not made,
    `discarded` those that were made and thrown away, by reason.
    """

    streams: Count = 0
    samples: Count = 0
    turns: Count = 0
    replies: Count = 0
    abilities: dict[str, Count] = Field(default_factory=dict)
    licences: dict[str, Count] = Field(default_factory=dict)
    skipped: dict[str, Count] = Field(default_factory=dict)
    discarded: dict[str, Count] = Field(default_factory=dict)

    @classmethod
    def of(cls, stream: TrainingStream) -> Self:
        licences = (span.source.licence if span.source else NOT_STATED for span in stream.spans)
        return cls(
            streams=1,
            samples=len(stream.sound),
            turns=len(stream.turns),
            replies=sum(not turn.is_silent for turn in stream.turns),
            abilities={stream.ability.value: 1},
            licences=_counted(licences),
            skipped=_counted(set(stream.skipped)),
        )

    @classmethod
    def discard(cls, reason: str) -> Self:
        return cls(discarded={reason: 1})

    @classmethod
    def sum(cls, parts: Iterable[Tally]) -> Self:
        known = list(parts)
        return cls(
            streams=sum(part.streams for part in known),
            samples=sum(part.samples for part in known),
            turns=sum(part.turns for part in known),
            replies=sum(part.replies for part in known),
            abilities=_together(part.abilities for part in known),
            licences=_together(part.licences for part in known),
            skipped=_together(part.skipped for part in known),
            discarded=_together(part.discarded for part in known),
        )

    @property
    def hours(self) -> float:
        return self.samples / SAMPLE_RATE_HZ / 3_600


def _counted(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def _together(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in parts:
        for name, count in part.items():
            counts[name] = counts.get(name, 0) + count
    return dict(sorted(counts.items()))
