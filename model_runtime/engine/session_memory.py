"""One session's part of the KV cache: its slot, the ledger of it, and evictions from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zlib import crc32

import torch

from interject.model_runtime.engine.context_budget import ContextBudget
from interject.model_runtime.engine.ledger import Eviction, Ledger, Span, SpanKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch import Tensor

    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.network.kv_cache import KVCache


class SessionMemory:
    """What the session remembers. Between two steps slot and ledger hold the same positions, or the
    slot holds the first part of them: what an eviction or a cut moved is recomputed.
    """

    def __init__(
        self,
        cache: KVCache,
        slot: int,
        eviction: Eviction,
        *,
        session_id: str,
        restorable: bool = False,
    ) -> None:
        self.slot = slot
        self.ledger = Ledger()
        self.evictions = 0
        self._cache = cache
        self._exact = eviction is Eviction.EXACT
        self._keeps_sound = self._exact or restorable
        self._budget = ContextBudget(cache.context)
        spread = max(1, self._budget.kept - self._budget.reserve)
        self._stagger = crc32(session_id.encode()) % spread

    @property
    def reserve(self) -> int:
        """Positions that are kept free for a reply: room for them in its middle would cost a pass
        over what stays while somebody waits.

        Until the first eviction it is more, by a stagger of its own: sessions that begin
        together do not all evict together.
        """
        if not self._exact:
            return 0
        return self._budget.reserve + (0 if self.evictions else self._stagger)

    @property
    def unfilled(self) -> int:
        """Rows that the slot lacks."""
        return max(0, self.ledger.length - self._cache.lengths[self.slot])

    def recompute(self, rows: int) -> ForwardInput:
        """The next of these, at most `rows`."""
        return self.ledger.part(self._cache.lengths[self.slot], rows)

    @property
    def room(self) -> int:
        """Positions that are free."""
        return self._cache.context - self.ledger.length

    def append(
        self,
        kind: SpanKind,
        ids: Sequence[int],
        sound: Tensor | None = None,
        reply_id: int | None = None,
    ) -> None:
        """Note what was, or is about to be, fed. Sound is kept only where it may be fed again."""
        assert len(ids) <= self.room, f"{len(ids)} positions do not fit into {self.room}"
        self.ledger.append(Span(kind, list(ids), sound if self._keeps_sound else None, reply_id))

    def evict(self) -> None:
        """Forget what is least worth keeping; what moves is then computed anew, or turned."""
        kept = self.ledger.evict(target=self._budget.kept, recent=self._budget.span)
        self.evictions += 1
        kept = kept[kept < self._cache.lengths[self.slot]]
        if self._exact:
            self._truncate(int((kept == torch.arange(len(kept))).sum()))
        else:
            self._cache.keep(self.slot, kept)

    def truncate_to_ledger(self) -> None:
        """Take back rows that were fed on speculation."""
        self._truncate(self.ledger.length)

    def shorten_reply(self, reply_id: int, tokens: int) -> None:
        """Forget the last `tokens` of a reply. What follows it has attended to them: it is computed
        anew, or, where keys are turned, keeps a trace of them.
        """
        gone = self.ledger.shorten_reply(reply_id, tokens)
        if not gone:
            return
        if self._exact:
            self._truncate(gone.start)
        else:
            positions = torch.arange(self._cache.lengths[self.slot])
            stay = (positions < gone.start) | (positions >= gone.stop)
            self._cache.keep(self.slot, positions[stay])

    def spans(self) -> tuple[Span, ...]:
        """What a snapshot holds of it: a copy, for the ledger's own spans grow."""
        return tuple(_copies(self.ledger.spans))

    def resume(self, spans: Iterable[Span], evictions: int) -> None:
        """What another engine's session remembered; the slot lacks all of it."""
        self.ledger = Ledger(_copies(spans))
        self.evictions = evictions
        assert self.room >= 0, f"{self.ledger.length} positions are more than a slot has"

    def _truncate(self, length: int) -> None:
        self._cache.truncate(self.slot, min(length, self._cache.lengths[self.slot]))


def _copies(spans: Iterable[Span]) -> Iterator[Span]:
    return (replace(span, ids=list(span.ids)) for span in spans)
