"""A stream without its sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.training.dataset.problem import BadRecord, bad_stream
from interject.training.dataset.stream_item import as_spans, as_stream_id, as_turns
from interject.training.streams.problem import BadStream

if TYPE_CHECKING:
    from interject.training.dataset.items import PublicItem
    from interject.training.streams.ability import Ability
    from interject.training.streams.span import StreamSpan
    from interject.training.streams.stream import TrainingStream
    from interject.training.streams.turn import StreamTurn


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """`place` says where it lies: a shard and its id, or a file and its line."""

    stream_id: str
    ability: Ability
    samples: int
    turns: tuple[StreamTurn, ...]
    spans: tuple[StreamSpan, ...]
    seed: int
    system_prompt: str | None
    skipped: tuple[str, ...]
    place: str


def record_of(item: PublicItem, place: str) -> StreamRecord:
    """Of an item of a shard, which has times.

    :raises BadRecord: when it contradicts itself.
    """
    if item.ability is None or item.samples is None:
        raise BadRecord(place, "samples", "has no 'ability' or no 'samples'")
    try:
        turns, spans = as_turns(item), as_spans(item)
    except BadStream as exc:
        raise bad_stream(place, exc) from None
    return StreamRecord(
        stream_id=as_stream_id(item.id),
        ability=item.ability,
        samples=item.samples,
        turns=turns,
        spans=spans,
        seed=item.seed,
        system_prompt=item.system_prompt,
        skipped=item.skipped,
        place=place,
    )


def without_sound(stream: TrainingStream, place: str) -> StreamRecord:
    return StreamRecord(
        stream_id=stream.stream_id,
        ability=stream.ability,
        samples=len(stream.sound),
        turns=stream.turns,
        spans=stream.spans,
        seed=stream.seed,
        system_prompt=stream.system_prompt,
        skipped=stream.skipped,
        place=place,
    )
