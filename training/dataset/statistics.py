"""What a set of streams holds, by ability, licence and layer, and how soon it answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import FRAME_S, SAMPLE_RATE_HZ
from interject.training.dataset.tally import NOT_STATED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.training.dataset.stream_record import StreamRecord
    from interject.training.streams.ability import Ability
    from interject.training.streams.turn import StreamTurn

SECONDS_AN_HOUR = 3_600
MS = 1_000


def response_lag_ms(turn: StreamTurn) -> int:
    """From the end of what is answered to the end of the chunk whose decision is to respond.

    :raises AssertionError: when it is a silent turn.
    """
    assert turn.response_chunk is not None, "a silent turn has no lag"
    return round(((turn.response_chunk + 1) * FRAME_S - turn.end_s) * MS)


@dataclass(slots=True)
class AbilityStatistics:
    """`lags_ms` counts how often a reply came so long after its turn."""

    streams: int = 0
    samples: int = 0
    turns: int = 0
    replies: int = 0
    lags_ms: Counter[int] = field(default_factory=Counter)

    @property
    def hours(self) -> float:
        return self.samples / SAMPLE_RATE_HZ / SECONDS_AN_HOUR

    def lag_ms(self, share: float) -> int | None:
        """The lag that this share of the replies does not exceed."""
        wanted = share * self.replies
        seen = 0
        for lag, count in sorted(self.lags_ms.items()):
            seen += count
            if seen >= wanted:
                return lag
        return None

    def add(self, samples: int, turns: Iterable[StreamTurn]) -> None:
        self.streams += 1
        self.samples += samples
        for turn in turns:
            self.turns += 1
            if not turn.is_silent:
                self.replies += 1
                self.lags_ms[response_lag_ms(turn)] += 1

    def merge(self, other: AbilityStatistics) -> None:
        for name in ("streams", "samples", "turns", "replies"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.lags_ms += other.lags_ms


@dataclass(slots=True)
class SpanTotal:
    """How many spans, and how long they are together."""

    spans: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class DatasetStatistics:
    """Filled stream by stream."""

    abilities: dict[Ability, AbilityStatistics] = field(default_factory=dict)
    licences: dict[str, SpanTotal] = field(default_factory=dict)
    layers: dict[str, SpanTotal] = field(default_factory=dict)
    emotions: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, record: StreamRecord) -> None:
        ability = self.abilities.setdefault(record.ability, AbilityStatistics())
        ability.add(record.samples, record.turns)
        self.emotions.update(turn.emotion.value for turn in record.turns if not turn.is_silent)
        self.skipped.update(set(record.skipped))
        for span in record.spans:
            seconds = span.end_s - span.start_s
            licence = span.source.licence if span.source else NOT_STATED
            for table, key in ((self.licences, licence), (self.layers, span.layer.value)):
                total = table.setdefault(key, SpanTotal())
                total.spans += 1
                total.seconds += seconds

    def total(self) -> AbilityStatistics:
        total = AbilityStatistics()
        for one in self.abilities.values():
            total.merge(one)
        return total
