"""Which reply of a model answers which that was due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.streaming_benchmark.played_stream import DueReply, HeardReply

LATE_CHUNKS = 2
"""A reply counts when it begins after the first chunk that can know, or one of the next two."""


@dataclass(frozen=True, slots=True)
class Matched:
    """`missed` are due and were not said, `false` was said and not due."""

    pairs: tuple[tuple[DueReply, HeardReply], ...]
    missed: tuple[DueReply, ...]
    false: tuple[HeardReply, ...]


def match(
    due: Sequence[DueReply], heard: Sequence[HeardReply], *, late_chunks: int = LATE_CHUNKS
) -> Matched:
    """Those at once first: where each chunk has a reply of its own, none takes the next one's."""
    free = list(heard)
    found: dict[int, HeardReply] = {}
    for late in range(late_chunks + 1):
        for number, wanted in enumerate(due):
            if number in found:
                continue
            reply = next((r for r in free if r.chunk == wanted.chunk + late), None)
            if reply is not None:
                free.remove(reply)
                found[number] = reply
    return Matched(
        pairs=tuple((due[number], found[number]) for number in sorted(found)),
        missed=tuple(wanted for number, wanted in enumerate(due) if number not in found),
        false=tuple(free),
    )
