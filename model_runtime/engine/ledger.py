"""What a session's slot holds, span by span, and which spans to evict when it is full."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from interject.model_runtime.engine.forward_input import AUDIO, ForwardInput

if TYPE_CHECKING:
    from collections.abc import Iterable


class SpanKind(Enum):
    """What a run of positions is."""

    PREFIX = auto()
    SILENT_CHUNK = auto()
    ANSWERED_CHUNK = auto()
    TEXT_TURN = auto()
    REPLY = auto()


class Eviction(Enum):
    """How what stays is moved together when a slot is full.

    `ROTATE` turns the cached keys (see `KVCache.keep`): cheap, exact in the first layer only.
    `EXACT` computes the kept rows anew, so that the memory depends on nothing that was dropped.
    """

    ROTATE = auto()
    EXACT = auto()


@dataclass(slots=True)
class Span:
    """A run of positions and what was fed there; `reply_id` is set on replies.

    `embeddings`, where they were kept, stand in place of the AUDIO ids.
    """

    kind: SpanKind
    ids: list[int]
    embeddings: Tensor | None = None
    reply_id: int | None = None

    @property
    def length(self) -> int:
        """Positions."""
        return len(self.ids)


class Ledger:
    """The spans of a slot, oldest first; their lengths add up to `length`, the slot's."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.spans = list(spans)
        self.length = sum(span.length for span in self.spans)

    def append(self, span: Span) -> None:
        """Note that positions were filled; a growing reply stays one span."""
        self.length += span.length
        last = self.spans[-1] if self.spans else None
        if last and span.kind is SpanKind.REPLY and last.reply_id == span.reply_id:
            last.ids += span.ids
        else:
            self.spans.append(span)

    @property
    def ends_in_silence(self) -> bool:
        """Whether the newest span is a silent chunk."""
        return bool(self.spans) and self.spans[-1].kind is SpanKind.SILENT_CHUNK

    def contents(self) -> ForwardInput:
        """Everything that the slot holds, to be computed anew."""
        return self.part(0, self.length)

    def part(self, first: int, rows: int) -> ForwardInput:
        """At most `rows` of that, from position `first` on."""
        ids: list[int] = []
        sound: list[Tensor] = []
        begin, end = 0, first + rows
        for span in self.spans:
            length = len(span.ids)
            if begin >= end:
                break
            own = slice(max(0, first - begin), end - begin)
            begin += length
            if own.start >= length:
                continue
            mine = span.ids[own]
            ids += mine
            if span.embeddings is not None and (heard := mine.count(AUDIO)):
                before = span.ids[: own.start].count(AUDIO)
                sound.append(span.embeddings[before : before + heard])
        return ForwardInput(tuple(ids), tuple(sound))

    def shorten_reply(self, reply_id: int, tokens: int) -> range:
        """Drop a reply's last `tokens`; return their positions, none once it is forgotten."""
        end = 0
        for span in self.spans:
            end += span.length
            if span.reply_id == reply_id:
                first = max(0, span.length - tokens)
                dropped = range(end - span.length + first, end)
                del span.ids[first:]
                self.length -= len(dropped)
                return dropped
        return range(0)

    def evict(self, *, target: int, recent: int) -> Tensor:
        """Drop whole spans until `target` positions are left; return the positions that stay.

        The prefix stays, and so do the newest spans that fit together into `recent` positions, and
        beside the prefix into the target: only a longer prefix can make that one unreachable. Of
        the rest the oldest silent chunks go first, then the oldest turns: an answered chunk or
        typed turn with its reply.
        """
        prefix = sum(span.length for span in self.spans if span.kind is SpanKind.PREFIX)
        candidates = self._older_than(min(recent, target - prefix))
        surplus = self.length - target
        evicted: set[int] = set()
        for group in _eviction_order(self.spans, candidates):
            if surplus <= 0:
                break
            evicted.update(group)
            surplus -= sum(self.spans[index].length for index in group)
        stays = [index not in evicted for index in range(len(self.spans))]
        kept = np.repeat(stays, [span.length for span in self.spans]).nonzero()[0]
        self.spans = [span for span, here in zip(self.spans, stays, strict=True) if here]
        self.length = len(kept)
        return torch.from_numpy(kept)

    def _older_than(self, recent: int) -> int:
        """How many spans come before the newest that fit into `recent` positions."""
        older = len(self.spans)
        while older and self.spans[older - 1].length <= recent:
            older -= 1
            recent -= self.spans[older].length
        return older


def _eviction_order(spans: list[Span], candidates: int) -> list[list[int]]:
    silent = [[i] for i in range(candidates) if spans[i].kind is SpanKind.SILENT_CHUNK]
    turns: list[list[int]] = []
    for index in range(candidates):
        kind = spans[index].kind
        if kind in (SpanKind.ANSWERED_CHUNK, SpanKind.TEXT_TURN):
            turns.append([index])
        elif kind is SpanKind.REPLY:
            follows = turns and turns[-1][-1] == index - 1
            turns[-1].append(index) if follows else turns.append([index])
    return silent + turns
