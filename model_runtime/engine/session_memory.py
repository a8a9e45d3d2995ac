"""One session's part of the slot memory: its slot, the ledger of it, and how it is tidied."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import torch

from interject.model_runtime.engine.context_budget import Shares
from interject.model_runtime.engine.ledger import Eviction, Ledger, Span, SpanKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from interject.model_runtime.engine.forward_input import Feed
    from interject.model_runtime.network.kv_cache import SlotMemory


class SessionMemory:
    """What the session remembers. Between two steps slot and ledger hold the same positions, or the
    slot holds the first part of them: what was tidied or cut away behind is computed anew.
    """

    def __init__(
        self, slots: SlotMemory, slot: int, eviction: Eviction, *, session_id: str
    ) -> None:
        self.slot = slot
        self.ledger = Ledger()
        self.evictions = 0
        self._slots = slots
        self._exact = eviction is Eviction.EXACT
        self._shares = Shares(slots.context)
        spread = max(1, self._shares.tidied - self._shares.reserve)
        self._first_lead = crc32(session_id.encode()) % spread

    @property
    def reserve(self) -> int:
        """Positions that are kept free for a reply: room for them in its middle would cost a pass
        over what stays while somebody waits.

        Until the slot is first tidied it is more, by a lead of the session's own: sessions that
        begin together are not all tidied together.
        """
        if not self._exact:
            return 0
        return self._shares.reserve + (0 if self.evictions else self._first_lead)

    @property
    def unfilled(self) -> int:
        """Rows that the slot lacks."""
        return max(0, self.ledger.length - self._slots.lengths[self.slot])

    def refill(self, rows: int) -> Feed:
        """The next of these, at most `rows`."""
        return self.ledger.part(self._slots.lengths[self.slot], rows)

    @property
    def room(self) -> int:
        """Positions that are free."""
        return self._slots.context - self.ledger.length

    def append(
        self,
        kind: SpanKind,
        ids: Sequence[int],
        sound: Tensor | None = None,
        reply_id: int | None = None,
    ) -> None:
        """Note what was, or is about to be, fed. Sound is kept only where it may be fed again."""
        assert len(ids) <= self.room, f"{len(ids)} positions do not fit into {self.room}"
        self.ledger.append(Span(kind, list(ids), sound if self._exact else None, reply_id))

    def tidy(self) -> None:
        """Forget what is least worth keeping; what moves is then computed anew, or turned."""
        kept = self.ledger.forget(target=self._shares.tidied, recent=self._shares.span)
        self.evictions += 1
        kept = kept[kept < self._slots.lengths[self.slot]]
        if self._exact:
            self._cut(int((kept == torch.arange(len(kept))).sum()))
        else:
            self._slots.keep(self.slot, kept)

    def cut_to_ledger(self) -> None:
        """Take back rows that were fed on speculation."""
        self._cut(self.ledger.length)

    def shorten_reply(self, reply_id: int, tokens: int) -> None:
        """Forget the last `tokens` of a reply. What follows it has attended to them: it is computed
        anew, or, where keys are turned, keeps a trace of them.
        """
        gone = self.ledger.shorten_reply(reply_id, tokens)
        if not gone:
            return
        if self._exact:
            self._cut(gone.start)
        else:
            positions = torch.arange(self._slots.lengths[self.slot])
            stay = (positions < gone.start) | (positions >= gone.stop)
            self._slots.keep(self.slot, positions[stay])

    def resume(self, spans: Iterable[Span], evictions: int) -> None:
        """What another engine's session remembered; the slot lacks all of it."""
        self.ledger = Ledger(spans)
        self.evictions = evictions
        assert self.room >= 0, f"{self.ledger.length} positions are more than a slot has"

    def _cut(self, length: int) -> None:
        self._slots.truncate(self.slot, min(length, self._slots.lengths[self.slot]))
