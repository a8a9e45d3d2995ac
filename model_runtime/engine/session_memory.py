"""One session's part of the slot memory: its slot, the ledger of it, and how it is tidied."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import torch

from interject.model_runtime.engine.feed import Feed
from interject.model_runtime.engine.ledger import Eviction, Ledger, Span, SpanKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.slots import SlotMemory

RESERVED_PART = 8


class SessionMemory:
    """What the session remembers. Between two steps slot and ledger hold the same positions, or,
    after the slot was tidied, the slot still the first part of them.
    """

    def __init__(
        self, slots: SlotMemory, slot: int, eviction: Eviction, *, session_id: str
    ) -> None:
        self.slot = slot
        self.ledger = Ledger()
        self.evictions = 0
        self._slots = slots
        self._exact = eviction is Eviction.EXACT
        self._for_replies = slots.context // RESERVED_PART
        spread = max(1, slots.context // 2 - self._for_replies)
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
        return self._for_replies + (0 if self.evictions else self._first_lead)

    def lacks(self, rows: int) -> bool:
        """Whether it is time to tidy, before there is no room for these."""
        return self._exact and rows + self.reserve > self.room

    @property
    def unfilled(self) -> int:
        """Rows of a tidied slot that have not been computed anew yet."""
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
        self.ledger.append(Span(kind, list(ids), sound if self._exact else None, reply_id))

    def make_room(self, rows: int) -> Feed:
        """Forget what is least worth keeping if `rows` do not fit; returns what to feed again."""
        return Feed(()) if rows <= self.room else self.tidy(rows)

    def tidy(self, rows: int) -> Feed:
        """Forget what is least worth keeping, for `rows` to fit; returns what to feed again."""
        size = self._slots.context
        target = min(size // 2, size - rows - self._for_replies)
        kept = self.ledger.forget(target=target, recent=target // 2)
        self.evictions += 1
        if self._exact:
            self._slots.truncate(self.slot, 0)
            return self.ledger.contents()
        self._slots.keep(self.slot, kept)
        return Feed(())

    def cut_to_ledger(self) -> None:
        """Take back rows that were fed on speculation."""
        self._slots.truncate(self.slot, self.ledger.length)

    def shorten_reply(self, reply_id: int, tokens: int) -> None:
        """Forget the last `tokens` of a reply, whether or not something follows it."""
        gone = self.ledger.shorten_reply(reply_id, tokens)
        if gone:
            positions = torch.arange(self._slots.lengths[self.slot])
            stay = (positions < gone.start) | (positions >= gone.stop)
            self._slots.keep(self.slot, positions[stay])

    def pretend_filled(self) -> None:
        """While a journal is redone nothing is fed: let any length be cut from the slot."""
        self._slots.lengths[self.slot] = self._slots.context
