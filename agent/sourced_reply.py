"""A reply that says where what it states stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from interject.model_runtime.protocol import ReplyEnded


@dataclass(frozen=True, slots=True)
class SourcedReply(ReplyEnded):
    """`sources` are for eyes: a note's file and place, a tool's name."""

    sources: tuple[str, ...] = field(default=(), kw_only=True)


def sources_of(ended: ReplyEnded) -> tuple[str, ...]:
    return ended.sources if isinstance(ended, SourcedReply) else ()
